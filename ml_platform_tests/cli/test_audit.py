"""`ml-platform audit`: verified with its checkpoints, signed when asked, exported for others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.platform import open_platform
from ml_platform.cli.models import utc_now
from ml_platform.core.digest import canonical_json
from ml_platform.settings import load_settings
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME, release

if TYPE_CHECKING:
    import pytest


def test_checkpoints_lie_where_the_environment_says(
    run: Run, defs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_CHECKPOINTS", str(tmp_path / "elsewhere" / "points"))
    release(defs)
    assert "vouches" not in run("audit", "verify").out
    assert run("audit", "checkpoint", "--by", "carol").code == 0
    whole = run("audit", "verify")
    assert whole.code == 0
    assert f"{tmp_path / 'elsewhere' / 'points'} vouches for it up to entry" in whole.out
    assert not (tmp_path / "home" / "audit.checkpoints").exists()
    assert "checkpointed" in run("audit", "show", "--last", "1").out
    points = tmp_path / "elsewhere" / "points"
    points.write_text(points.read_text().replace("e", "f"))
    altered = run("audit", "verify")
    assert altered.code == 1
    assert f"{points}:1" in altered.err


def test_verify_says_what_is_live_and_lies_there_no_more(run: Run, defs: Path, tmp_path: Path) -> None:
    version = release(defs)
    with open_platform(load_settings()) as platform:
        platform.ledger.deploy(version, "staging", actor="bob", reason="good", approvals=(), at=utc_now())
    whole = run("audit", "verify")
    assert whole.code == 0
    assert f"✓ what is live of {NAME} lies there whole" in whole.out
    for kind, digest in (("models", version.candidate.model_digest), ("evidence", version.evidence_digest)):
        folder = tmp_path / "home" / kind / digest
        away = folder.rename(tmp_path / "away")
        lacking = run("audit", "verify")
        assert lacking.code == 1
        assert f"✗ {NAME} v1, live in staging: " in lacking.err
        away.rename(folder)
    assert run("audit", "verify").code == 0


def test_the_export_can_be_verified_with_the_standard_library(run: Run, defs: Path, tmp_path: Path) -> None:
    release(defs)
    path = tmp_path / "audit.jsonl"
    assert run("audit", "export", "--to", str(path)).code == 0
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(entries) > 5
    previous = "0" * 64
    for entry in entries:
        said = entry.pop("hash")
        assert entry["previous"] == previous
        assert hashlib.sha256(canonical_json(entry).encode()).hexdigest() == said
        previous = said
    assert run("audit", "export", "--to", str(path), "--model", "other").code == 0
    assert path.read_text() == ""


def test_an_entry_that_a_notice_names_is_shown_with_all_that_it_says(run: Run, defs: Path) -> None:
    release(defs)
    reason = "it says much " * 20
    with open_platform(load_settings()) as platform:
        entry = platform.ledger.append("noted", actor="bob", subject=NAME, payload={"why": reason}, at=utc_now())
    cut = run("audit", "show", "--last", "1").out
    assert reason not in cut
    assert "… (--full says all)" in cut
    for options in (("--full", "--last", "1"), ("--entry", str(entry.sequence))):
        whole = run("audit", "show", *options).out
        assert f'"why": "{reason}"' in whole
        assert whole.count("noted") == 1
    gone = run("audit", "show", "--entry", "99999")
    assert gone.code != 0
    assert "no such entry" in gone.err
