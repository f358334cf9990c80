"""Promote, approve, roll back, show: the lock on the command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import release, write_model
from ml_platform_tests.policy.files import MODEL


def test_a_proven_release_is_promoted_and_shown(run: Run, defs: Path) -> None:
    release(defs)
    promoted = run("promote", "late", "--env", "production", "--reason", "first")
    assert promoted.code == 0, promoted.err
    assert "late v1 is live in production (by bob: first)" in promoted.out
    assert "nothing changed" in run("promote", "late/1", "--env", "production", "--reason", "again").out
    shown = run("show", "late@production")
    assert "live in production since" in shown.out
    assert "auc_is_sufficient" in shown.out


@pytest.mark.parametrize("stage", ["snapshot", "evaluation", "staging"])
def test_a_candidate_whose_gates_never_ran_is_refused_as_lacking_evidence(run: Run, defs: Path, stage: str) -> None:
    release(defs, without=stage)
    refused = run("promote", "late", "--env", "production", "--reason", "hurry")
    assert refused.code == 3
    assert f"({stage}) never ran on this candidate under the current policy" in refused.err


def test_a_release_under_another_policy_is_refused(run: Run, defs: Path) -> None:
    release(defs)
    write_model(defs, text=MODEL.replace("risk_class: limited", "risk_class: high"))
    refused = run("promote", "late", "--env", "production", "--reason", "hurry")
    assert refused.code in {1, 3}
    assert "policy" in refused.err


def test_a_high_risk_model_needs_somebody_elses_approval(run: Run, defs: Path) -> None:
    write_model(defs, text=MODEL.replace("risk_class: limited", "risk_class: high"))
    release(defs)
    alone = run("promote", "late", "--env", "production", "--reason", "hurry")
    assert alone.code == 1
    assert "needs 1 approvals for production" in alone.err
    own = run("approve", "late", "--env", "production", "--by", "alice")
    assert own.code == 1
    assert "somebody else has to approve it" in own.err
    assert run("approve", "late", "--env", "production", "--by", "carol").code == 0
    assert run("promote", "late", "--env", "production", "--reason", "reviewed").code == 0


def test_a_rollback_returns_to_the_last_version_and_bars_the_bad_one(run: Run, defs: Path) -> None:
    release(defs)
    assert run("promote", "late", "--env", "staging", "--reason", "first").code == 0
    nowhere = run("rollback", "late", "--env", "staging", "--reason", "bad")
    assert nowhere.code == 1
    assert "no earlier version" in nowhere.err
    release(defs, text="other trees")
    assert run("promote", "late", "--env", "staging", "--reason", "second").code == 0
    back = run("rollback", "late", "--env", "staging", "--reason", "it answers nonsense")
    assert back.code == 0
    assert "late v1 is live in staging" in back.out
    assert "v2 is barred" in back.out
    assert "it answers nonsense" in run("promote", "late/2", "--env", "staging", "--reason", "again").err


def test_every_decision_is_in_the_audit_and_an_edit_is_found(run: Run, defs: Path, tmp_path: Path) -> None:
    release(defs)
    run("promote", "late", "--env", "staging", "--reason", "first")
    assert run("audit", "verify").code == 0
    assert "late" in run("audit", "show", "--model", "late").out
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f'DROP TRIGGER "{name}"')
        ledger.execute("UPDATE audit SET actor = 'mallory' WHERE sequence = 1")
    ledger.close()
    found = run("audit", "verify")
    assert found.code == 1
    assert "1" in found.err


def test_controls_say_what_the_recorded_verdicts_say_and_nothing_more(run: Run, defs: Path) -> None:
    before = run("controls", "late")
    assert before.code == 3
    assert "enforced" not in before.out
    release(defs)
    after = run("controls", "late")
    assert "✓ enforced" in after.out
    assert "METRICS" in after.out
    assert "No gate of this policy speaks for" in after.out
