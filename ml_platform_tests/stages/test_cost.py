from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.spent import CostRecord, Spent, Usage
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.prices import Prices
from ml_platform.policy.resources import Resources, StageResources
from ml_platform.policy.spec import ModelSpec
from ml_platform.reports.cost import stage_table
from ml_platform.stages.cost import are_limited, made_anything, measure_cost, stages_of
from ml_platform_tests.orchestration.small_model import NOW, load_small

GIB = 2**30
PRICES = Prices(cpu_hour=0.36, gib_hour=0.036, currency="EUR")
LIMITED = Resources(model=StageResources(memory="2GiB", seconds=100.0))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> GovernedModelFile:
    return load_small(tmp_path_factory.mktemp("cost"))


def spent(
    run: str,
    cpu: float,
    *,
    stage: str = "model",
    outcome: Literal["worked", "remembered", "failed"] = "worked",
    rows: int | None = 1000,
    peak: int = GIB,
    own: bool = True,
) -> Spent:
    used = Usage(cpu_seconds=cpu, wall_seconds=cpu, peak_bytes=peak, peak_is_own=own)
    return Spent(model="parcels", stage=stage, run_id=run, at=NOW, outcome=outcome, usage=used, rows=rows)


def measured(
    spec: ModelSpec, history: Sequence[Spent], *, prices: Prices | None = None
) -> tuple[CostRecord, dict[tuple[str, str], Measurement]]:
    found = measure_cost(spec, stages_of(history, "now"), history, candidate="ab" * 32, prices=prices)
    return found.record, {(one.metric, one.subject): one for one in found.measurements}


def ratio(spec: ModelSpec, history: Sequence[Spent]) -> Measurement | None:
    return measured(spec, history)[1].get(("stage_cpu_ratio", "model"))


def verdict(file: GovernedModelFile, gate: str, *measurements: Measurement, **holds: bool) -> Verdict:
    conditions = conditions_of(file.spec, **holds)
    found = judge(file.policy, "cost", measurements, conditions=conditions, now=NOW)
    return next(one for one in found if one.gate == gate)


def with_resources(file: GovernedModelFile, resources: Resources) -> GovernedModelFile:
    return dataclasses.replace(file, spec=file.spec.model_copy(update={"resources": resources}))


EARLIER = [spent(f"run-{number}", cpu) for number, cpu in enumerate((20.0, 10.0, 30.0))]


def test_the_cpu_time_is_held_against_the_median_of_earlier_runs(file: GovernedModelFile) -> None:
    found = ratio(file.spec, [*EARLIER, spent("now", 30.0)])
    assert found is not None
    assert (found.value, found.n) == (1.5, 3)
    assert found.facts["usual CPU seconds"] == 20.0


def test_only_the_newest_ten_runs_tell_what_is_usual(file: GovernedModelFile) -> None:
    old = [spent(f"old-{number}", 500.0) for number in range(20)]
    new = [spent(f"new-{number}", 10.0) for number in range(10)]
    found = ratio(file.spec, [*old, *new, spent("now", 10.0)])
    assert found is not None
    assert (found.value, found.n) == (1.0, 10)


def test_too_few_runs_other_rows_and_runs_without_work_tell_nothing(file: GovernedModelFile) -> None:
    others = [
        spent("more", 10.0, rows=1200),
        spent("again", 0.0, outcome="remembered"),
        spent("broken", 1.0, outcome="failed"),
        spent("split", 10.0, stage="split"),
    ]
    assert ratio(file.spec, [*EARLIER[:2], *others, spent("now", 90.0)]) is None
    assert ratio(file.spec, [*EARLIER, spent("now", 90.0, rows=1111)]) is not None
    assert ratio(file.spec, [*EARLIER, spent("now", 90.0, rows=1200)]) is None


def test_a_stage_that_says_no_rows_takes_those_of_its_run(file: GovernedModelFile) -> None:
    def run(name: str, rows: int) -> list[Spent]:
        return [spent(name, 1.0, stage="features", rows=rows), spent(name, 10.0, rows=None)]

    small = [one for number in range(3) for one in run(f"small-{number}", 1000)]
    assert ratio(file.spec, [*small, *run("now", 1050)]) is not None
    assert ratio(file.spec, [*small, *run("now", 9000)]) is None


def test_small_times_are_not_multiples_of_anything(file: GovernedModelFile) -> None:
    quick = [spent(f"run-{number}", 0.01) for number in range(3)]
    found = ratio(file.spec, [*quick, spent("now", 0.4)])
    assert found is not None
    assert found.value == pytest.approx(0.08)


def test_what_was_remembered_is_neither_compared_nor_held_to_limits(file: GovernedModelFile) -> None:
    limited = with_resources(file, LIMITED)
    record, found = measured(limited.spec, [*EARLIER, spent("now", 90.0, outcome="remembered")])
    assert not found
    assert [one.outcome for one in record.stages] == ["remembered"]


@pytest.mark.parametrize(
    ("cpu", "outcome"),
    [(20.0, Outcome.PASSED), (40.0, Outcome.PASSED), (40.1, Outcome.FAILED)],
)
def test_twice_the_usual_time_is_the_limit(file: GovernedModelFile, cpu: float, outcome: Outcome) -> None:
    found = ratio(file.spec, [*EARLIER, spent("now", cpu)])
    assert found is not None
    judged = verdict(file, "stage_cpu_is_stable", found, cost_history=True)
    assert judged.outcome is outcome
    assert not judged.closes


def test_without_a_history_time_is_not_judged_and_with_one_it_must_be_known(file: GovernedModelFile) -> None:
    few = Measurement(metric="stage_cpu_ratio", value=1.0, n=2)
    unknown = Measurement(metric="stage_cpu_ratio", value=float("nan"), n=5)
    assert verdict(file, "stage_cpu_is_stable").outcome is Outcome.NOT_APPLICABLE
    assert verdict(file, "stage_cpu_is_stable", cost_history=True).outcome is Outcome.UNDECIDED
    assert verdict(file, "stage_cpu_is_stable", few, cost_history=True).outcome is Outcome.UNDECIDED
    assert verdict(file, "stage_cpu_is_stable", unknown, cost_history=True).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("share", "kept", "near"),
    [
        (0.9, Outcome.PASSED, Outcome.PASSED),
        (0.95, Outcome.PASSED, Outcome.FAILED),
        (1.0, Outcome.PASSED, Outcome.FAILED),
        (1.01, Outcome.FAILED, Outcome.FAILED),
        (None, Outcome.UNDECIDED, Outcome.UNDECIDED),
        (float("nan"), Outcome.UNDECIDED, Outcome.UNDECIDED),
    ],
)
def test_a_limit_is_kept_at_the_limit_and_warned_of_before(
    file: GovernedModelFile, share: float | None, kept: Outcome, near: Outcome
) -> None:
    one = Measurement(metric="share_of_limit", value=share, n=1, subject="model memory")
    judged = verdict(file, "limits_are_kept", one, limits=True)
    assert judged.outcome is kept
    assert judged.closes is not kept.opens
    warned = verdict(file, "limits_are_not_near", one, limits=True)
    assert warned.outcome is near
    assert not warned.closes


def test_limits_that_nothing_was_measured_against_are_not_proven_kept(file: GovernedModelFile) -> None:
    assert verdict(file, "limits_are_kept").outcome is Outcome.NOT_APPLICABLE
    assert verdict(file, "limits_are_kept", limits=True).outcome is Outcome.UNDECIDED
    assert not are_limited(file.spec)
    assert are_limited(with_resources(file, LIMITED).spec)


def test_peak_and_time_are_shares_of_what_is_declared(file: GovernedModelFile) -> None:
    _, found = measured(with_resources(file, LIMITED).spec, [spent("now", 50.0), spent("now", 5.0, stage="split")])
    assert found["share_of_limit", "model memory"].value == 0.5
    assert found["share_of_limit", "model seconds"].facts == {"used": "50.0 s", "allowed": "100.0 s"}
    assert len(found) == 2
    _, found = measured(with_resources(file, LIMITED).spec, [spent("now", 50.0, own=False)])
    assert "process so far" in str(found["share_of_limit", "model memory"].facts["peak"])


def test_a_run_costs_what_its_stages_cost_and_is_held_to_the_budget(file: GovernedModelFile) -> None:
    budgeted = with_resources(file, Resources(budget=0.02))
    history = [spent("now", 100.0, stage="features"), spent("now", 50.0), spent("before", 900.0)]
    record, found = measured(budgeted.spec, history, prices=PRICES)
    assert record.costs == pytest.approx({"features": 0.011, "model": 0.0055})
    assert record.cost == pytest.approx(0.0165)
    share = found["share_of_budget", ""]
    assert share.value == pytest.approx(0.825)
    assert verdict(budgeted, "cost_is_within_budget", share).outcome is Outcome.PASSED
    over = dataclasses.replace(share, value=1.2)
    assert verdict(budgeted, "cost_is_within_budget", over).outcome is Outcome.FAILED
    assert verdict(budgeted, "cost_is_within_budget", dataclasses.replace(share, value=1.0)).outcome is Outcome.PASSED
    assert "0.0165 EUR" in stage_table(record)


def test_without_prices_or_stages_a_budget_is_undecided_and_without_one_not_applicable(file: GovernedModelFile) -> None:
    budgeted = with_resources(file, Resources(budget=0.02))
    for history, prices in (([spent("now", 1.0)], None), ([], PRICES)):
        record, found = measured(budgeted.spec, history, prices=prices)
        assert record.cost is None
        assert verdict(budgeted, "cost_is_within_budget", *found.values()).outcome is Outcome.UNDECIDED
    assert verdict(file, "cost_is_within_budget").outcome is Outcome.NOT_APPLICABLE


def test_of_a_stage_that_ran_twice_the_last_counts_and_looking_alone_makes_nothing() -> None:
    looked = [spent("now", 1.0, stage="source"), spent("now", 1.0, outcome="remembered")]
    assert not made_anything(stages_of(looked, "now"))
    again = stages_of([*looked, spent("now", 2.0), spent("now", 3.0, stage="dossier")], "now")
    assert made_anything(again)
    assert {stage: one.usage.cpu_seconds for stage, one in again.items()} == {"source": 1.0, "model": 2.0}


def test_the_table_says_what_is_not_of_the_stage_alone(file: GovernedModelFile) -> None:
    record, _ = measured(file.spec, [spent("now", 1.0, own=False)])
    assert "1,024 (process so far)" in stage_table(record)
    assert "cost" not in stage_table(record)
    assert "| all |" in stage_table(measured(file.spec, [])[0])


def test_the_same_run_has_the_same_record(file: GovernedModelFile) -> None:
    first, again = (measured(file.spec, [spent("now", 1.0)], prices=PRICES)[0] for _ in range(2))
    assert first == again
    assert first.digest != measured(file.spec, [spent("now", 2.0)], prices=PRICES)[0].digest
