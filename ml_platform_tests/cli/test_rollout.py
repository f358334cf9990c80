"""What is tried beside the live version, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.cli.models import utc_now
from ml_platform.core.rollout import RolloutRecord
from ml_platform.settings import load_settings
from ml_platform.stages.rollout_story import LOOKED
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME, release


@pytest.fixture
def tried(defs: Path) -> RolloutRecord:
    """Let version 2 be tried beside version 1."""
    champion, challenger = release(defs), release(defs, text="other trees")
    with open_platform(load_settings()) as platform:
        platform.ledger.deploy(champion, "production", actor="rita", reason="x", approvals=(), at=utc_now())
        platform.ledger.project(lambda _: None)
        return platform.ledger.begin_rollout(
            RolloutRecord(
                rollout_id="r1", model=NAME, environment="production", strategy="canary", weight=0.1,
                sticky_by="carrier", champion=1, champion_digest=champion.candidate.model_digest, version=2,
                model_digest=challenger.candidate.model_digest, evidence_digest=challenger.evidence_digest,
                rules_digest="77" * 32, since=utc_now(), actor="rita", reason="faster",
            ),
            approvals=(),
        )  # fmt: skip


def test_what_is_tried_is_told_with_how_and_by_whom(run: Run, tried: RolloutRecord) -> None:
    told = run("rollout", NAME)
    assert told.code == 0
    assert "v2 as a canary that answers 10%, by carrier, beside v1" in told.out
    assert "by rita: faster" in told.out
    assert "nobody has looked yet" in told.out
    shown = run("envs", NAME).out
    assert "v2   is tried as a canary that answers 10%, by carrier, beside v1, since" in shown
    assert f"{tried.since:%Y-%m-%d %H:%M} UTC by rita" in shown
    assert "is tried" not in run("envs", NAME, "--history").out


def test_other_programs_hear_what_is_tried_and_what_its_looks_saw(run: Run, tried: RolloutRecord) -> None:
    (live,) = json.loads(run("envs", NAME, "--json").out)
    (rollout,) = live["rollouts"]
    assert live["deployment"]["version"] == tried.champion
    assert (rollout["begun"]["version"], rollout["begun"]["weight"]) == (tried.version, 0.1)
    assert (rollout["end"], rollout["looks"]) == (None, [])
    seen: dict[str, object] = {"rollout_id": tried.rollout_id, "decision": "continue", "reasons": ["too few requests"]}
    with open_platform(load_settings()) as platform:
        for each in (seen, {**seen, "rollout_id": "an earlier one"}):
            platform.ledger.append(
                LOOKED, actor="rita", subject=f"{NAME}@production", at=utc_now(),
                payload={**each, "measurements": [{"metric": "rollout_errors", "value": None}]},
            )  # fmt: skip
    assert run("rollout", NAME, "--cancel", "--reason", "the campaign starts").code == 0
    (rollout,) = json.loads(run("envs", NAME, "--json").out)[0]["rollouts"]
    (look,) = rollout["looks"]
    assert (look["decision"], look["reasons"]) == ("continue", ["too few requests"])
    assert look["measurements"][0]["metric"] == "rollout_errors"
    assert rollout["end"]["outcome"] == "cancelled"


def test_it_is_cancelled_with_a_reason_and_the_champion_stays(run: Run, tried: RolloutRecord) -> None:
    assert run("rollout", NAME, "--cancel", "--reason", " ").code == 2
    done = run("rollout", NAME, "--cancel", "--reason", "the campaign starts")
    assert done.code == 0
    assert f"v{tried.version} is no longer tried in production; v1 is live" in done.out
    told = run("rollout", NAME).out
    assert "no version is on trial in production" in told
    assert "cancelled" in told
    assert "the campaign starts" in told
    assert "is tried" not in run("envs", NAME).out
    again = run("rollout", NAME, "--cancel", "--reason", "again")
    assert again.code == 2
    assert "no version is on trial" in again.err


def test_rules_that_the_model_file_no_longer_has_decide_nothing(run: Run, tried: RolloutRecord) -> None:
    looked = run("rollout", NAME, "--look")
    assert looked.code == 2
    assert f"was changed since the rollout of v{tried.version} began" in looked.err


def test_wrong_words_are_said_to_be_wrong(run: Run, defs: Path) -> None:
    release(defs)
    assert run("rollout", NAME, "--look", "--cancel").code == 2
    assert run("rollout", "nothing").code == 2
    assert run("rollout", NAME, "--look").code == 2
    silent = run("promote", NAME, "--env", "production", "--reason", "hurry", "--direct", " ")
    assert silent.code == 2
    assert "--direct: says nothing" in silent.err
