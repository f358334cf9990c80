"""Promote, approve, roll back, show: the lock on the command line."""

from __future__ import annotations

import datetime as dt
import io
import json
import sqlite3
from pathlib import Path

import pytest

from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import release, write_model
from ml_platform_tests.policy.files import MODEL


@pytest.mark.parametrize("stage", ["snapshot", "evaluation", "staging"])
def test_a_candidate_whose_gates_never_ran_is_refused_as_lacking_evidence(run: Run, defs: Path, stage: str) -> None:
    release(defs, without=stage)
    refused = run("promote", "late", "--env", "production", "--reason", "hurry")
    assert refused.code == 3
    assert f"({stage}) never ran on this candidate under the current policy" in refused.err


def test_a_version_that_the_lock_refused_is_shown_so(run: Run, defs: Path) -> None:
    release(defs, without="staging")
    assert "refused" not in run("show", "late/1").out
    run("promote", "late", "--env", "production", "--reason", "hurry")
    shown = run("show", "late/1").out
    assert "  refused for production on " in shown
    assert "    - gate staging_lock_opened (staging) never ran on this candidate" in shown
    assert "refused for staging" not in shown


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
    assert "needs 1 signed approval for production" in alone.err
    own = run("approve", "late", "--env", "production", "--by", "alice")
    assert own.code == 1
    assert "somebody else has to approve it" in own.err


def test_a_person_is_erased_by_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    erased = run("forget", "late", "--subject", "77001")
    assert erased.code == 0
    assert "is erased, 0 originals were destroyed" in erased.out
    monkeypatch.setattr("sys.stdin", io.StringIO("77001\n"))
    again = run("forget", "late", "--subject", "-", "--by", "carol")
    assert again.out == erased.out
    told = run("audit", "show", "--model", "late").out
    assert told.count("person_erased") == 2
    assert "77001" not in told + erased.out + erased.err


def test_every_decision_is_in_the_audit_and_an_edit_is_found(run: Run, defs: Path, tmp_path: Path) -> None:
    release(defs, without="evaluation")
    run("promote", "late", "--env", "staging", "--reason", "hurry")
    assert run("audit", "verify").code == 0
    assert "promotion_refused" in run("audit", "show", "--model", "late").out
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f'DROP TRIGGER "{name}"')
        ledger.execute("UPDATE audit SET actor = 'mallory' WHERE sequence = 1")
    ledger.close()
    found = run("audit", "verify")
    assert found.code == 1
    assert "1" in found.err


def test_what_is_live_where_is_said_now_on_a_day_and_ever(run: Run, defs: Path) -> None:
    nothing = run("envs")
    assert nothing.out == "late\n  staging     nothing is live\n  production  nothing is live\n"
    release(defs)
    run("promote", "late", "--env", "staging", "--reason", "first")
    release(defs, text="other trees")
    run("promote", "late", "--env", "staging", "--reason", "better")
    now = run("envs", "late").out.splitlines()
    assert now[1].startswith("  staging     v2 ")
    assert now[1].endswith("by bob: better")
    assert now[2] == "  production  nothing is live"
    ever = run("envs", "late", "--history").out.splitlines()
    assert [line[14:16] for line in ever[1:3]] == ["v1", "v2"]
    assert " until " in ever[1]
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    assert run("envs", "--at", today).out.count("staging") == 2
    assert "nothing was live" in run("envs", "late", "--at", "2020-01-01").out
    told = json.loads(run("envs", "late", "--json").out)
    assert (told[0]["deployment"]["version"], told[0]["until"]) == (2, None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("nosuch",), "there is no model 'nosuch'; known: late"),
        (("late", "--at", "3 May"), "isn't a day or a time"),
        (("late", "--at", "2026-05-03", "--history"), "exclude each other"),
    ],
)
def test_a_question_that_has_no_answer_is_refused(run: Run, asked: tuple[str, ...], said: str) -> None:
    refused = run("envs", *asked)
    assert refused.code == 2
    assert said in refused.err


def test_controls_say_what_the_recorded_verdicts_say_and_nothing_more(run: Run, defs: Path) -> None:
    before = run("controls", "late")
    assert before.code == 3
    assert "enforced" not in before.out
    release(defs)
    after = run("controls", "late")
    assert "✓ enforced" in after.out
    assert "METRICS" in after.out
    assert "No gate of this policy speaks for" in after.out
    assert " gates applied and passed (" in after.out


def test_a_high_risk_model_goes_live_with_somebody_else_s_signed_word(run: Run, defs: Path, tmp_path: Path) -> None:
    write_model(defs, text=MODEL.replace("risk_class: limited", "risk_class: high"))
    release(defs)
    (tmp_path / "password").write_text("correct horse battery")
    with_password = ("--password-file", str(tmp_path / "password"))
    for person in ("Kim Lee", "alice"):
        path = tmp_path / f"{person}.pem"
        assert run("keys", "new-person", person, "--to", str(path), *with_password).code == 0
    approve = ("approve", "late", "--env", "production")
    assert run(*approve).code == run(*approve, "--by", "Kim", "--key", "kim.pem").code == 2
    alone = run(*approve, "--by", "Kim Lee")
    assert alone.code == 1
    assert "counts signed approvals only" in alone.err
    own = run(*approve, "--key", str(tmp_path / "alice.pem"), *with_password)
    assert "somebody else has to approve it" in own.err
    given = run(*approve, "--key", str(tmp_path / "Kim Lee.pem"), *with_password)
    assert given.code == 0, given.err
    assert "Kim Lee approves late v1 for production" in given.out
    key_id = given.out.strip().rpartition(" ")[2]
    assert run("keys", "retire", key_id).code == 0
    again = run(*approve, "--key", str(tmp_path / "Kim Lee.pem"), *with_password)
    assert again.code == 2
    assert "is no person's key in use here" in again.err
    refused = run("promote", "late", "--env", "production", "--reason", "hurry")
    assert "was retired on" in refused.err


def test_a_rejected_version_stays_out_until_somebody_else_withdraws_it(run: Run, defs: Path) -> None:
    release(defs)
    no = run("reject", "late", "--env", "staging", "--reason", "unfair", "--by", "kim")
    assert no.out == "✓ kim rejects late v1 for staging: unfair\n"
    promote = ("promote", "late", "--env", "staging", "--reason", "hurry")
    refused = run(*promote)
    assert refused.code == 1
    assert "was rejected for staging by kim on" in refused.err
    assert "rejected for staging on" in run("show", "late").out
    withdraw = ("reject", "late", "--env", "staging", "--withdraw", "--reason", "it is fair", "--by")
    assert "somebody else has to withdraw" in run(*withdraw, "alice").err
    assert run(*withdraw, "robin").code == 0
    assert "by robin: it is fair" in run("show", "late").out
    assert run(*withdraw, "robin").code == 1
    told = run("audit", "show", "--model", "late").out
    assert "rejected" in told
    assert "rejection_withdrawn" in told
    assert "rejected" not in run(*promote).err


def test_a_freeze_is_told_and_who_goes_through_says_why(run: Run, defs: Path) -> None:
    window = "{name: always, start: Mon 00:00, end: Sun 23:59, zone: UTC, environments: [staging], owner: Operations, "
    window += "reason: Nobody is there to look.}"
    write_model(defs, text=MODEL.replace("  monitoring:\n", f"    freezes:\n      - {window}\n  monitoring:\n"))
    release(defs)
    promote = ("promote", "late", "--env", "staging", "--reason", "hurry")
    assert "--despite-freeze: says nothing" in run(*promote, "--despite-freeze", " ").err
    refused = run(*promote)
    assert refused.code == 1
    assert "staging is frozen (always) until" in refused.err
    run(*promote, "--despite-freeze", "the live one is wrong")
    assert "freeze_overridden" in run("audit", "show", "--model", "late").out
