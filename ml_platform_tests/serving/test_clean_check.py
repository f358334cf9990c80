"""The clean check loads and scores a model in a process of its own, so that an unsound one harms nobody else."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import msgspec
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.scoring import CleanCheck
from ml_platform.serving.clean_check import check_in_child, command
from ml_platform_tests.serving.small_model import expected_scores, make_rows, put_model, trained_text


def test_a_clean_process_gives_the_same_scores_and_says_what_it_cost(tmp_path: Path) -> None:
    digest, rows = put_model(tmp_path), make_rows(30)
    seen = asyncio.run(check_in_child(tmp_path / "models" / digest, digest, rows))
    assert list(seen.scores) == expected_scores(rows)
    assert 0 < seen.scoring_latency_p99_seconds < seen.load_seconds < 30
    assert 10 << 20 < seen.peak_memory_bytes < 1 << 30


def test_the_command_prints_one_json_object(tmp_path: Path) -> None:
    digest = put_model(tmp_path)
    (tmp_path / "rows.json").write_text("[]")
    done = subprocess.run(
        command(tmp_path / "models" / digest, digest, tmp_path / "rows.json"), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert msgspec.json.decode(done.stdout, type=CleanCheck).scores == ()


def test_an_altered_model_ends_with_exit_code_2_and_the_reason(tmp_path: Path) -> None:
    digest = put_model(tmp_path)
    (tmp_path / "rows.json").write_text("[]")
    (tmp_path / "models" / digest / "scoring.json").write_text("{}")
    done = subprocess.run(
        command(tmp_path / "models" / digest, digest, tmp_path / "rows.json"), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"it lies here as plain text; what is stored has to be sealed" in done.stderr


def test_trees_that_crash_the_parser_are_said_to_be_unsound(tmp_path: Path) -> None:
    text = trained_text(1)
    digest = put_model(tmp_path, text=text[: text.index("Tree=10")])
    with pytest.raises(DataInvalid, match="clean process"):
        asyncio.run(check_in_child(tmp_path / "models" / digest, digest))


def test_rows_that_cannot_be_scored_are_a_reason(tmp_path: Path) -> None:
    digest = put_model(tmp_path)
    with pytest.raises(DataInvalid, match="hour: a value is no integer"):
        asyncio.run(check_in_child(tmp_path / "models" / digest, digest, [{"hour": "x"}]))
