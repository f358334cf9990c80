"""The service follows the deployment manifest; what isn't sound leaves the last good version serving."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.deployments import manifest_path
from ml_platform.serving import live as live_module
from ml_platform_tests.serving.asking import Asker, asking
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    MODEL,
    expected_scores,
    make_live,
    put_model,
    trained_text,
)


@pytest.fixture
def asker(home: Path) -> Iterator[Asker]:
    with asking(home) as asker:
        yield asker


def served(asker: Asker) -> tuple[int, list[float]]:
    reply = asker.score_rows([GOOD_ROW])
    return reply.json["version"], reply.json["predictions"]


def problem(asker: Asker) -> str:
    health = asker.ask("GET", "/health")
    assert (health.status, health.json["status"]) == (200, "degraded")
    said: str = health.json["problems"][0]
    return said


def test_a_new_version_is_served_once_its_manifest_is_there(home: Path, asker: Asker) -> None:
    assert served(asker) == (1, expected_scores([GOOD_ROW], seed=1))
    make_live(home, put_model(home, seed=2), version=2)
    asker.look()
    assert served(asker) == (2, expected_scores([GOOD_ROW], seed=2))
    assert asker.app.metrics.swaps == 2


def test_going_back_serves_the_old_version_without_checking_it_again(
    home: Path, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_live(home, put_model(home, seed=2), version=2)
    asker.look()
    monkeypatch.setattr(live_module, "check_in_child", None)
    make_live(home, put_model(home, seed=1), version=1)
    asker.look()
    assert served(asker) == (1, expected_scores([GOOD_ROW], seed=1))


def test_an_altered_artefact_leaves_the_last_good_version_serving(home: Path, asker: Asker) -> None:
    digest = put_model(home, seed=2)
    file = home / "models" / digest / "model.txt"
    file.write_bytes(file.read_bytes()[:-9])
    make_live(home, digest, version=2)
    asker.look()
    assert served(asker)[0] == 1
    assert "only the exact model that was released" in problem(asker)


def test_an_artefact_that_is_mended_is_served_at_the_next_try(home: Path, asker: Asker) -> None:
    digest = put_model(home, seed=2)
    file = home / "models" / digest / "model.txt"
    content = file.read_bytes()
    file.write_bytes(content[:-9])
    make_live(home, digest, version=2)
    asker.look()
    file.write_bytes(content)
    asker.look()
    assert served(asker)[0] == 1
    asker.app.follower._retry_at = 0.0
    asker.look()
    assert served(asker)[0] == 2
    assert asker.ask("GET", "/health").json["problems"] == []


def test_trees_that_crash_the_parser_crash_only_the_check(home: Path, asker: Asker) -> None:
    text = trained_text(2)
    make_live(home, put_model(home, text=text[: text.index("Tree=10")]), version=2)
    asker.look()
    assert served(asker)[0] == 1
    assert "clean process" in problem(asker)


def test_another_models_artefact_is_not_served(home: Path, asker: Asker) -> None:
    make_live(home, put_model(home, contract=dataclasses.replace(CONTRACT, model="other")), version=2)
    asker.look()
    assert served(asker)[0] == 1
    assert "a model of other" in problem(asker)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"schema_version": 9}'])
def test_a_manifest_that_is_none_leaves_the_last_good_version_serving(home: Path, asker: Asker, content: bytes) -> None:
    manifest_path(home, "staging", MODEL).write_bytes(content)
    asker.look()
    assert served(asker)[0] == 1
    assert "manifest" in problem(asker)


def test_a_manifest_of_another_environment_is_not_followed(home: Path, asker: Asker) -> None:
    make_live(home, put_model(home, seed=2), version=2, environment="production")
    stray = manifest_path(home, "production", MODEL)
    stray.replace(manifest_path(home, "staging", MODEL))
    asker.look()
    assert served(asker)[0] == 1
    assert "in production, not toy in staging" in problem(asker)


def test_a_manifest_that_is_gone_is_said_and_the_version_stays(home: Path, asker: Asker) -> None:
    manifest_path(home, "staging", MODEL).unlink()
    asker.look()
    assert served(asker)[0] == 1
    assert "is gone" in problem(asker)


def test_a_first_version_that_is_unsound_is_the_reason_for_not_serving(tmp_path: Path) -> None:
    make_live(tmp_path, "a" * 64)
    with asking(tmp_path) as asker:
        reply = asker.score_rows([GOOD_ROW])
        assert reply.status == 503
        assert "restore the artefact" in reply.json["message"]
