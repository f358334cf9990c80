"""Retraining starts for a stated reason only, once per cause, and never inside the cool-down."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from ml_platform.core.measurement import Measurement
from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import DeploymentRecord, EvidencePart, MonitoringRecord
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.spec import Monitoring
from ml_platform.stages.expected_gain import Came
from ml_platform.stages.retraining import REQUESTED, Retrain, Stay, Watched, decide_retraining
from ml_platform.stages.retraining_reasons import Made

NOW = dt.datetime(2013, 8, 2, tzinfo=dt.UTC)
END = dt.datetime(2013, 8, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MONITORING = Monitoring(start=dt.date(2013, 6, 1), retrain_when=("live_auc_holds",), cooldown_days=45, minimum_labels=9)
WINDOW = MonitoringRecord(
    model="flights",
    environment="production",
    window="2013-07",
    window_end=END,
    digest="w" * 64,
    window_digest="x" * 64,
    version=1,
    model_digest="m" * 64,
    labelled=900,
)
LIVE = DeploymentRecord(
    model="flights",
    environment="production",
    version=1,
    model_digest="m" * 64,
    evidence_digest="e" * 64,
    since=NOW,
    actor="someone",
    reason="first",
)


def verdict(outcome: Outcome, gate: str = "live_auc_holds") -> Verdict:
    return Verdict(
        gate=gate,
        control="RETRAIN-THRESHOLDS",
        stage="monitoring",
        outcome=outcome,
        severity=Severity.WARN,
        limit="≥ -0.03",
        reason="too few labels" if outcome is Outcome.UNDECIDED else "",
        next_step="retrain",
        policy_digest="p" * 64,
        worst=Measurement(metric="live_roc_auc_change", value=-0.08, low=-0.1, high=-0.06, n=900),
    )


def watched(*verdicts: Verdict) -> Watched:
    part = EvidencePart(
        stage="monitoring",
        subject_digest=WINDOW.digest,
        policy_digest="p" * 64,
        conditions=("always", "labels"),
        verdicts=verdicts,
        made_at=NOW,
    )
    return Watched(window=WINDOW, part=part, live=LIVE)


def test_a_window_judged_under_another_policy_is_not_called_unseen() -> None:
    found = decide_retraining(MONITORING, dataclasses.replace(watched(), part=None))
    assert isinstance(found, Stay)
    assert found.reason.startswith("window 2013-07 has no verdicts under the present policy")


def request(cause: str, as_of: str) -> AuditEntry:
    return AuditEntry(
        sequence=1,
        at=NOW,
        actor="sensor",
        action=REQUESTED,
        subject="flights",
        payload={"cause": cause, "as_of": as_of},
        previous="",
        hash="",
    )


def decide(given: Watched) -> Retrain | Stay:
    return decide_retraining(MONITORING, given)


def test_a_failed_gate_that_starts_retraining_is_a_reason_with_its_numbers() -> None:
    decision = decide(watched(verdict(Outcome.FAILED)))
    assert isinstance(decision, Retrain)
    assert decision.as_of == END
    assert decision.changed_since == dt.datetime(2013, 7, 1, tzinfo=dt.UTC)
    assert decision.gates == ("live_auc_holds",)
    assert "live_roc_auc_change = -0.08 [-0.1, -0.06] (n = 900), limit ≥ -0.03" in decision.reason


def test_gates_that_hold_or_are_undecided_or_not_listed_start_nothing_and_are_named() -> None:
    calm = decide(watched(verdict(Outcome.PASSED)))
    assert calm == Stay(reason="window 2013-07: live_auc_holds hold")
    undecided = decide(watched(verdict(Outcome.UNDECIDED)))
    assert undecided == Stay(reason="window 2013-07: undecided: live_auc_holds (too few labels)")
    other = decide(watched(verdict(Outcome.FAILED, "inputs_are_stable")))
    assert isinstance(other, Stay)
    assert "none of the gates" in other.reason


def test_the_same_cause_is_asked_for_once() -> None:
    first = decide(watched(verdict(Outcome.FAILED)))
    assert isinstance(first, Retrain)
    again = dataclasses.replace(
        watched(verdict(Outcome.FAILED)), requests=[request(first.cause, "2013-08-01T00:00:00+00:00")]
    )
    second = decide(again)
    assert isinstance(second, Stay)
    assert "requested already" in second.reason


def test_another_cause_waits_for_the_cool_down_to_end() -> None:
    during = dataclasses.replace(
        watched(verdict(Outcome.FAILED)), requests=[request("other", "2013-07-01T00:00:00+00:00")]
    )
    waiting = decide(during)
    assert isinstance(waiting, Stay)
    assert "lasts until 2013-08-15" in waiting.reason
    after = dataclasses.replace(
        watched(verdict(Outcome.FAILED)), requests=[request("other", "2013-06-01T00:00:00+00:00")]
    )
    assert isinstance(decide(after), Retrain)


def test_without_a_window_a_live_model_or_matching_evidence_nothing_starts() -> None:
    whole = watched(verdict(Outcome.FAILED))
    reasons = []
    for lacking in (
        dataclasses.replace(whole, window=None),
        dataclasses.replace(whole, part=None),
        dataclasses.replace(whole, live=None),
        dataclasses.replace(whole, live=dataclasses.replace(LIVE, model_digest="n" * 64, version=2)),
        dataclasses.replace(whole, window=dataclasses.replace(WINDOW, digest="v" * 64)),
    ):
        decision = decide(lacking)
        assert isinstance(decision, Stay)
        reasons.append(decision.reason)
    assert "no window" in reasons[0]
    assert "nothing is live" in reasons[2]
    assert "version 2 is live" in reasons[3]
    assert "not about window" in reasons[4]


BEFORE = Made(digests={"features": "a" * 64, "parameters": "b" * 64, "policy": "c" * 64}, as_of=NOW - 100 * DAY)


def with_made(given: Watched, *, requests: Sequence[AuditEntry] = (), **changed: str) -> Watched:
    """What is watched, when a release made now would differ from the live version by these digests."""
    now = Made(digests={**BEFORE.digests, **changed})
    return dataclasses.replace(given, made=BEFORE, now=now, requests=requests)


def monitoring(**more: object) -> Monitoring:
    return Monitoring.model_validate({**MONITORING.model_dump(), **more})


def test_changed_code_is_a_reason_once_even_where_the_window_has_no_verdicts() -> None:
    watching = monitoring(retrain_on_change_of=("features", "policy"))
    given = dataclasses.replace(watched(), part=None)
    found = decide_retraining(watching, with_made(given, features="d" * 64))
    assert isinstance(found, Retrain)
    assert found.reason == "the features changed (aaaaaaaaaaaa → dddddddddddd)"
    assert found.gates == ()
    asked = [request("other", "2013-01-01T00:00:00+00:00"), request(found.cause, "2013-02-01T00:00:00+00:00")]
    again = decide_retraining(watching, with_made(given, requests=asked, features="d" * 64))
    assert isinstance(again, Stay)
    assert "was requested already" in again.reason
    other = decide_retraining(watching, with_made(given, requests=asked, features="e" * 64))
    assert isinstance(other, Retrain)


def test_what_did_not_change_or_is_not_known_is_named_and_starts_nothing() -> None:
    watching = monitoring(retrain_on_change_of=("features", "parameters"), retrain_after_days=365)
    calm = decide_retraining(watching, with_made(watched(verdict(Outcome.PASSED)), features=""))
    assert calm == Stay(
        reason="window 2013-07: live_auc_holds hold; whether the features changed isn't known: there is no digest of "
        "them; the parameters are those of version 1; the rows of version 1 end 99 days before the window does, 365 "
        "are a reason"
    )
    unknown = decide_retraining(watching, watched(verdict(Outcome.PASSED)))
    assert isinstance(unknown, Stay)
    assert "what version 1 was made from isn't known" in unknown.reason
    assert "its age isn't either" in unknown.reason


def test_age_is_a_reason_again_after_as_many_days_when_the_candidate_was_refused() -> None:
    watching = monitoring(retrain_after_days=30)
    calm = watched(verdict(Outcome.PASSED))
    first = decide_retraining(watching, with_made(calm))
    assert isinstance(first, Retrain)
    assert first.reason == "the rows of version 1 end 99 days before the window does"
    asked = [request(first.cause, "2013-01-01T00:00:00+00:00")]
    assert isinstance(decide_retraining(watching, with_made(calm, requests=asked)), Stay)
    later = dataclasses.replace(WINDOW, window_end=END + 25 * DAY)
    second = decide_retraining(watching, dataclasses.replace(with_made(calm, requests=asked), window=later))
    assert isinstance(second, Retrain)


def test_a_reason_that_is_not_followed_names_its_cause_and_the_limit() -> None:
    failed = watched(verdict(Outcome.FAILED))
    first = decide(failed)
    assert isinstance(first, Retrain)
    asked = [request("one", "2013-07-28T00:00:00+00:00"), request("two", "2013-07-30T00:00:00+00:00")]
    weekly = decide_retraining(
        monitoring(cooldown_days=0, most_per_week=2), dataclasses.replace(failed, requests=asked)
    )
    assert isinstance(weekly, Stay)
    assert [(one.cause, one.limit) for one in weekly.declined] == [(first.cause, "most_per_week")]
    assert weekly.reason.endswith("2 retrainings were requested in the week before 2013-08-01, the most allowed")
    assert isinstance(
        decide_retraining(monitoring(cooldown_days=0, most_per_week=3), dataclasses.replace(failed, requests=asked)),
        Retrain,
    )
    budget = monitoring(most_cpu_hours_in_30_days=2.0)
    assert isinstance(decide_retraining(budget, dataclasses.replace(failed, cpu_hours=1.9)), Retrain)
    spent = decide_retraining(budget, dataclasses.replace(failed, cpu_hours=2.0))
    assert isinstance(spent, Stay)
    assert "retraining took 2.0 CPU hours in the last 30 days, 2 are allowed" in spent.reason
    more = decide_retraining(budget, dataclasses.replace(failed, cpu_hours=2.7))
    assert isinstance(more, Stay)
    assert [(one.cause, one.limit) for one in more.declined] == [(one.cause, one.limit) for one in spent.declined]


def test_an_alarm_says_in_which_window_its_evidence_began() -> None:
    facts = {"windows_since_it_began": 3}
    worst = Measurement(metric="performance_alarm", value=1.2, n=900, facts=facts)
    alarm = dataclasses.replace(verdict(Outcome.FAILED, "no_performance_alarm"), worst=worst)
    decision = decide_retraining(monitoring(retrain_when=("no_performance_alarm",)), watched(alarm))
    assert isinstance(decision, Retrain)
    assert decision.changed_since == dt.datetime(2013, 5, 1, tzinfo=dt.UTC)


def test_every_reason_that_the_model_file_asks_for_is_looked_at_and_the_declined_are_kept_apart() -> None:
    watching = monitoring(retrain_on_expected_gain=0.01, retrain_on_expected_harm=True, retrain_again_after_change=True)
    came = Came(trained=10, doubling=None, curve_rows=10, labelled=5)
    given = dataclasses.replace(watched(verdict(Outcome.PASSED)), came=came)
    calm = decide_retraining(watching, given)
    assert isinstance(calm, Stay)
    assert "wasn't trained because of a proven change" in calm.reason
    assert "performance can't be told to fall" in calm.reason
    assert ["has no learning curve" in one.text for one in calm.declined] == [True]
    failed = dataclasses.replace(watched(verdict(Outcome.FAILED)), came=came)
    assert isinstance(decide_retraining(watching, failed), Retrain)
    first = decide_retraining(watching, failed)
    assert isinstance(first, Retrain)
    asked = dataclasses.replace(failed, requests=[request(first.cause, "2013-08-01T00:00:00+00:00")])
    again = decide_retraining(watching, asked)
    assert isinstance(again, Stay)
    assert len(again.declined) == 1
