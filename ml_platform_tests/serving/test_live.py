"""The service follows the deployment manifest; what isn't sound leaves the last good version serving."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.deployments import manifest_path
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.looking import live_in
from ml_platform.core.errors import DataInvalid
from ml_platform.serving import live as live_module
from ml_platform.serving.release_check import require_evidence_of
from ml_platform_tests.serving.asking import Asker, asking
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    MODEL,
    SINCE,
    evidence_of,
    expected_scores,
    make_live,
    put_evidence,
    put_model,
    released,
    show,
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
    assert asker.app.metrics.swaps == {"toy": 2}


def test_going_back_serves_the_old_version_without_checking_it_again(
    home: Path, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_live(home, put_model(home, seed=2), version=2)
    asker.look()
    monkeypatch.setattr(live_module, "check_in_child", None)
    make_live(home, put_model(home, seed=1), version=1)
    asker.look()
    assert served(asker) == (1, expected_scores([GOOD_ROW], seed=1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("flipped", "it isn't what was sealed here"),
        ("cut short", "it isn't what was sealed here"),
        ("exchanged", "it isn't what was sealed here"),
        ("plain", "it lies here as plain text"),
    ],
)
def test_an_altered_artefact_leaves_the_last_good_version_serving(
    home: Path, asker: Asker, change: str, words: str
) -> None:
    digest = put_model(home, seed=2)
    file = home / "models" / digest / "model.txt"
    content = file.read_bytes()
    changes = {
        "flipped": content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        "cut short": content[:-9],
        "exchanged": (home / "models" / put_model(home, seed=1) / "model.txt").read_bytes(),
        "plain": trained_text(2).encode(),
    }
    file.write_bytes(changes[change])
    make_live(home, digest, version=2)
    asker.look()
    assert served(asker)[0] == 1
    assert words in problem(asker)
    assert str(file) in problem(asker)


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


def test_a_manifest_that_nobody_promoted_is_never_served(tmp_path: Path) -> None:
    make_live(tmp_path, put_model(tmp_path), environment="production")
    digest = put_model(tmp_path, seed=2)
    show(tmp_path, digest, put_evidence(tmp_path, evidence_of(digest, 2)))
    with asking(tmp_path) as asker:
        assert asker.score_rows([GOOD_ROW]).status == 503
        health = asker.ask("GET", "/health")
        assert (health.status, health.json["version"]) == (503, None)
        assert "the ledger says that nothing is live" in health.json["problems"][0]


@pytest.mark.parametrize("changed", ["model", "evidence", "version"])
def test_a_manifest_that_differs_from_the_ledger_leaves_the_last_good_version_serving(
    home: Path, asker: Asker, changed: str
) -> None:
    good = asker.app.follower.live
    assert good is not None
    other = put_model(home, seed=2)
    show(
        home,
        other if changed == "model" else good.manifest.model_digest,
        put_evidence(home, evidence_of(other, 2)) if changed == "evidence" else good.manifest.evidence_digest,
        version=2 if changed == "version" else 1,
    )
    asker.look()
    assert served(asker) == (1, expected_scores([GOOD_ROW], seed=1))
    assert "but the ledger says that v1" in problem(asker)


@pytest.mark.parametrize("content", [None, b"{}", b"altered"])
def test_a_version_without_its_evidence_is_not_served(home: Path, asker: Asker, content: bytes | None) -> None:
    manifest = make_live(home, put_model(home, seed=2), version=2)
    file = home / "evidence" / manifest.evidence_digest / "evidence.json"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    asker.look()
    assert served(asker)[0] == 1
    assert "evidence" in problem(asker)


def test_evidence_about_another_model_is_not_enough(home: Path, asker: Asker) -> None:
    first = make_live(home, put_model(home, seed=2), version=2)
    asker.look()
    assert served(asker)[0] == 2
    digest = put_evidence(home, evidence_of(first.model_digest, 3, model="other"))
    with pytest.raises(DataInvalid, match="is about other"):
        require_evidence_of(home, dataclasses.replace(first, evidence_digest=digest))


def test_without_its_ledger_a_new_version_waits_and_the_last_one_is_served(home: Path, asker: Asker) -> None:
    ledger, aside = home / "ledger.sqlite", home / "aside"
    make_live(home, put_model(home, seed=2), version=2)
    ledger.rename(aside)
    asker.look()
    assert served(asker)[0] == 1
    assert "there is no ledger" in problem(asker)
    assert not ledger.exists()
    aside.rename(ledger)
    asker.app.follower._retry_at = 0.0
    asker.look()
    assert served(asker)[0] == 2


def test_a_locked_ledger_makes_a_new_version_wait(home: Path, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_in, "__kwdefaults__", {"busy_seconds": 0.05})
    make_live(home, put_model(home, seed=2), version=2)
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite", isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN IMMEDIATE")
        asker.look()
        assert served(asker)[0] == 1
        assert "locked" in problem(asker)


class Writer:
    """Somebody who has the database and the folder, but not the platform's keys."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with self._file() as file:
            for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                file.execute(f"DROP TRIGGER {name}")

    @contextlib.contextmanager
    def _file(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.home / "ledger.sqlite")) as connection, connection:
            yield connection

    def rows(self) -> list[tuple[int, str]]:
        with self._file() as file:
            return file.execute("SELECT audit, content FROM deployments ORDER BY audit").fetchall()

    def points_at(self, row: int) -> None:
        with self._file() as file:
            file.execute("UPDATE live SET deployment = ?", (row,))

    def copies(self, row: int) -> int:
        with self._file() as file:
            names = "model, environment, version, content"
            return (
                file.execute(
                    f"INSERT INTO deployments (audit, {names}) SELECT 9999, {names} FROM deployments WHERE audit = ?",  # noqa: S608
                    (row,),
                ).lastrowid
                or 0
            )

    def cuts_off_after(self, row: int) -> None:
        with self._file() as file:
            file.execute("DELETE FROM deployments WHERE audit > ?", (row,))

    def deploys(self, digest: str, version: int) -> str:
        """Go through the ledger itself, which hashes and chains what it writes, and has no key to sign it."""
        with contextlib.closing(SqliteLedger(self.home / "ledger.sqlite", clock=lambda: SINCE)) as ledger:
            release = released(self.home, ledger, digest, version)
            ledger.deploy(release, "staging", actor="mallory", reason="", approvals=(), at=SINCE)
        return release.evidence_digest


def test_what_somebody_else_wrote_into_the_ledger_is_not_followed(home: Path, asker: Asker) -> None:
    digest = put_model(home, seed=2)
    show(home, digest, Writer(home).deploys(digest, 2), version=2)
    asker.look()
    assert served(asker) == (1, expected_scores([GOOD_ROW], seed=1))
    assert "isn't the platform's doing: it isn't signed" in problem(asker)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("points at", "it isn't the newest deployment"),
        ("copies", "it is an old deployment that was put there again"),
        ("cuts off", "it is older than what is served"),
    ],
)
def test_nobody_brings_an_old_deployment_back(home: Path, asker: Asker, change: str, words: str) -> None:
    first = live_in(home / "ledger.sqlite", MODEL, "staging")
    assert first is not None
    make_live(home, put_model(home, seed=2), version=2)
    asker.look()
    writer = Writer(home)
    row = writer.rows()[0][0]
    if change == "cuts off":
        writer.cuts_off_after(row)
    writer.points_at(writer.copies(row) if change == "copies" else row)
    show(home, first.model_digest, first.evidence_digest, version=1)
    asker.look()
    assert served(asker)[0] == 2
    assert words in problem(asker)
