"""Advice comes from what is on record alone, ranked by what is proven to save most; what is missing is named."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import msgspec
import pytest

from ml_platform.core.improvement import Improvement
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.records import Evidence, EvidencePart, MonitoringRecord
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.stages.improve import Recorded, Window, improve, read_recorded
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import candidate
from ml_platform_tests.stages.toy import NOW, toy_spec

SPEC = toy_spec()
EMPTY = Recorded(evaluation=(), releases={}, replaced={}, windows=(), feedback=())


def measured(
    metric: str, value: float | None, low: float | None = None, high: float | None = None, *, n: int = 100,
    subject: str = "", facts: dict[str, Fact] | None = None,
) -> Measurement:  # fmt: skip
    return Measurement(metric=metric, value=value, low=low, high=high, n=n, subject=subject, facts=facts or {})


def weak(subject: str, low: float | None, *, n: int = 100, elsewhere: Fact = 0.5) -> Measurement:
    facts: dict[str, Fact] = {"rows_elsewhere": 900, "loss_elsewhere": elsewhere}
    return measured("weak_slice_log_loss", 0.8, low, 1.2, n=n, subject=subject, facts=facts)


CURVE = measured("loss_saved_by_next_doubling", 0.04, 0.02, 0.06, n=1000)


def test_what_is_proven_to_save_most_comes_first() -> None:
    evaluation = (weak("site = north", 0.1), weak("site = south", 0.5), CURVE, weak("load in (1, 2]", -0.1))
    found = improve(SPEC, dataclasses.replace(EMPTY, evaluation=evaluation))
    assert [one.what for one in found.advice] == [
        "make the model better where site = south: more rows or features of it",
        "gather more rows",
        "make the model better where site = north: more rows or features of it",
    ]
    first, second, _ = found.advice
    assert first.saving == pytest.approx(100 * 0.5 / (100 * 1.5 + 900))
    assert (second.saving, second.n) == (0.02, 1000)
    assert second.why == "as many training rows again would save 4 % of the loss [2 %, 6 %]"


@pytest.mark.parametrize("one", [weak("x", None), weak("x", 0.1, elsewhere=0.0), weak("x", 0.1, elsewhere=None)])
def test_what_isnt_proven_or_priced_is_no_advice(one: Measurement) -> None:
    assert improve(SPEC, dataclasses.replace(EMPTY, evaluation=(one,))).advice == ()


def window(version: int, name: str, *found: Measurement) -> Window:
    return Window(name=name, version=version, measurements=found)


def test_inputs_and_outcomes_that_are_worst_off_stand_behind_without_a_price() -> None:
    live = (
        measured("live_missing_share_excess", 0.2, 0.1, 0.3, subject="wind"),
        measured("live_missing_share_excess", -0.1, subject="load"),
        measured("input_psi", 0.3, subject="load"),
        measured("input_psi", 0.05, subject="wind"),
        measured("live_unseen_share", None),
    )
    outcomes = (measured("label_conflict_share", 0.02, 0.01, 0.03), measured("impossible_label_share", 0.0))
    recorded = dataclasses.replace(
        EMPTY, evaluation=(CURVE,), windows=(window(1, "2024-05", *live),), feedback=outcomes
    )
    found = improve(SPEC, recorded)
    assert [(one.what, one.saving) for one in found.advice] == [
        ("gather more rows", 0.02),
        ("repair the source of wind", None),
        ("look what changed in load", None),
        ("make outcomes more reliable", None),
    ]
    assert found.advice[1].why == "more missing values than declared: 0.2 [0.1, 0.3]"
    assert found.advice[3].why == "2 % of the predictions have contradictory outcomes [1 %, 3 %]"


def promised(gain: Measurement | None, *windows: Window) -> Improvement:
    releases = {1: (), 2: (gain,) if gain else ()}
    return improve(SPEC, dataclasses.replace(EMPTY, releases=releases, replaced={2: 1}, windows=windows))


def test_a_promise_is_kept_when_what_came_true_agrees_with_it() -> None:
    gain = measured("roc_auc_difference", 0.02, 0.01, 0.03)
    before, after = measured("live_roc_auc", 0.74, 0.73, 0.75), measured("live_roc_auc", 0.765, 0.755, 0.775)
    held = measured("live_roc_auc_change", -0.001, -0.01, 0.008)
    found = promised(gain, window(1, "2024-05", before), window(2, "2024-06", after, held))
    assert [(one.version, one.of, one.agrees) for one in found.kept] == [
        (2, "gain of AUC over v1", True), (2, "AUC in 2024-06", True),
    ]  # fmt: skip
    assert found.kept[0].came_true.startswith("0.025 [0.0108")
    worse = promised(gain, window(1, "2024-05", after), window(2, "2024-06", before))
    assert [one.agrees for one in worse.kept] == [False]
    fallen = promised(None, window(2, "2024-06", measured("live_roc_auc_change", -0.05, -0.07, -0.03)))
    assert [one.agrees for one in fallen.told] == [False]


def test_a_promise_without_windows_cant_be_told() -> None:
    gain = measured("roc_auc_difference", 0.02, 0.01, 0.03)
    (kept,) = promised(gain, window(1, "2024-05", measured("live_roc_auc", 0.7, 0.6, 0.8))).kept
    assert (kept.agrees, kept.came_true) == (None, "no window with outcomes of both")
    unsure = promised(None, window(2, "2024-06", measured("live_roc_auc_change", -0.05)))
    assert unsure.kept[0].agrees is None
    assert unsure.told == ()


def test_what_is_missing_is_named() -> None:
    nothing = improve(SPEC, EMPTY)
    assert (nothing.advice, nothing.kept) == ((), ())
    assert [one.split(":")[0] for one in nothing.missing] == [
        "no evaluation is on record", "no window of traffic was judged", "no outcomes were judged",
        "no release replaced another in production",
    ]  # fmt: skip
    fast = improve(SPEC, dataclasses.replace(EMPTY, evaluation=(measured("roc_auc", 0.7),)))
    assert fast.missing[:2] == (
        "weak slices weren't looked for: evaluate in full", "there is no learning curve: evaluate in full",
    )  # fmt: skip
    full = dataclasses.replace(
        EMPTY, evaluation=(CURVE, weak("x", None)), replaced={2: 1}, windows=(window(1, "m"),), feedback=(CURVE,)
    )
    assert improve(SPEC, full).missing == ()


def verdict(one: Measurement, stage: str) -> Verdict:
    return Verdict(
        gate="g", control="c", stage=stage, outcome=Outcome.PASSED, severity=Severity.WARN, limit="", reason="",
        next_step="", policy_digest="p", worst=None, measurements=(one,),
    )  # fmt: skip


def part(stage: str, subject: str, one: Measurement) -> EvidencePart:
    return EvidencePart(
        stage=stage,
        subject_digest=subject,
        policy_digest="p",
        conditions=(),
        verdicts=(verdict(one, stage),),
        made_at=NOW,
    )


def test_the_record_is_read_from_store_and_ledger(tmp_path: Path) -> None:
    store, ledger = FakeStore(tmp_path), FakeLedger()
    for version in (1, 2):
        digest = str(version) * 64
        store.put("evaluations", digest, {"measurements.json": msgspec.json.encode((CURVE,))})
        its = dataclasses.replace(candidate(digest), model="toy", evaluation_digest=digest)
        evidence = Evidence(candidate=its, policy_digest="p", parts=(), made_at=NOW, trained_by="alice")
        release = ledger.record_release(evidence, f"e{version}", actor="alice", at=NOW)
        ledger.deploy(release, "production", actor="bob", reason="a test", approvals=(), at=NOW)
    record = MonitoringRecord(
        model="toy", environment="production", window="2024-05", window_end=NOW + dt.timedelta(30), digest="w" * 64,
        window_digest="", version=2, model_digest="", labelled=5,
    )  # fmt: skip
    unjudged = dataclasses.replace(record, digest="u" * 64, window="2024-06")
    live, said = measured("live_roc_auc", 0.7), measured("label_conflict_share", 0.1)
    ledger.record_part("toy", part("monitoring", record.digest, live))
    ledger.record_part("toy", part("feedback", "f" * 64, said))
    found = read_recorded(store, ledger, model="toy", evaluation_digest="2" * 64, windows=[unjudged, record])
    assert found == Recorded(
        evaluation=(CURVE,), releases={1: (CURVE,), 2: (CURVE,)}, replaced={2: 1},
        windows=(window(2, "2024-05", live),), feedback=(said,),
    )  # fmt: skip
    gone = read_recorded(store, ledger, model="toy", evaluation_digest="9" * 64, windows=[])
    assert gone.evaluation == ()
    fresh = read_recorded(store, FakeLedger(), model="toy", evaluation_digest="", windows=[record])
    assert fresh == EMPTY
