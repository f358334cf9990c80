"""The cost of a run: what its stages took, held against earlier runs, against their limits and against the budget."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.spent import CostRecord, Spent, Usage
from ml_platform.policy.prices import Prices
from ml_platform.policy.spec import ModelSpec

STAGES = ("source", "snapshot", "split", "features", "model", "evaluation", "release")
LOOKING = frozenset({"source"})  # it looks at every run, so its work says nothing about whether anything was made
EARLIER_RUNS = 10
ENOUGH_RUNS = 3
ALIKE = 0.1  # runs whose rows differ by at most a tenth are compared
# Imports and caches move between stages and runs by seconds: below this, a multiple of the usual time says nothing.
LEAST_CPU_SECONDS = 5.0
_GIB, _HOUR = 2**30, 3600.0


def cost_of(used: Usage, prices: Prices) -> float:
    """Return what a stage cost: its CPU time, and its peak memory for as long as it ran.

    >>> used = Usage(cpu_seconds=1800, wall_seconds=3600, peak_bytes=2 * 2**30, peak_is_own=True)
    >>> cost_of(used, Prices(cpu_hour=0.5, gib_hour=0.125, currency="EUR"))
    0.5
    """
    memory = used.peak_bytes / _GIB * used.wall_seconds / _HOUR * prices.gib_hour
    return used.cpu_seconds / _HOUR * prices.cpu_hour + memory


def stages_of(history: Sequence[Spent], run_id: str) -> dict[str, Spent]:
    """Return what each stage of a run took, in the order of the flow; of a stage that ran twice the last."""
    found = {one.stage: one for one in history if one.run_id == run_id}
    return {stage: found[stage] for stage in STAGES if stage in found}


def made_anything(run: Mapping[str, Spent]) -> bool:
    """Say whether a stage of the run worked, beyond looking at the source."""
    return any(one.outcome == "worked" for one in run.values() if one.stage not in LOOKING)


def measure_cost(
    spec: ModelSpec, run: Mapping[str, Spent], history: Sequence[Spent], *, candidate: str, prices: Prices | None
) -> Measured[CostRecord]:
    """Measure what the stages of a run took; those that only remembered are neither compared nor held to limits."""
    stages = tuple(run.values())
    costs = {} if prices is None else {one.stage: cost_of(one.usage, prices) for one in stages}
    currency = prices.currency if prices else ""
    cost = sum(costs.values()) if prices and stages else None
    content = {"candidate": candidate, "stages": stages, "costs": costs, "currency": currency}
    record = CostRecord(
        model=spec.model,
        digest=digest_of(content),
        run_id=stages[0].run_id if stages else "",
        candidate_digest=candidate,
        stages=stages,
        costs=costs,
        cost=cost,
        currency=currency,
    )
    worked = [one for one in stages if one.outcome == "worked"]
    rows = rows_of(history)
    found = [_compared(one, _earlier(one, history, rows), rows) for one in worked]
    found += [measured for one in worked for measured in _held_to_limits(spec, one)]
    if spec.resources.budget is not None:
        found.append(_held_to_budget(cost, spec.resources.budget, currency, len(stages)))
    return Measured(record=record, measurements=tuple(one for one in found if one is not None))


def are_limited(spec: ModelSpec) -> bool:
    """Say whether the model file limits the time or the memory of a stage that is judged here."""
    return any(one.memory or one.seconds for one in map(spec.resources.of, STAGES))


def rows_of(history: Sequence[Spent]) -> dict[tuple[str, str], int]:
    """Return the rows of each stage of each run; a stage that doesn't say takes those of the run's largest one."""
    most: dict[str, int] = {}
    for one in history:
        most[one.run_id] = max(most.get(one.run_id, 0), one.rows or 0)
    return {(one.run_id, one.stage): one.rows or most[one.run_id] for one in history}


def _earlier(one: Spent, history: Sequence[Spent], rows: Mapping[tuple[str, str], int]) -> list[Spent]:
    """Return the newest earlier runs in which the stage worked on as many rows."""
    ours = rows.get((one.run_id, one.stage), 0)
    alike = [
        each
        for each in history
        if each.stage == one.stage
        and each.run_id != one.run_id
        and each.outcome == "worked"
        and abs(rows[each.run_id, each.stage] - ours) <= ALIKE * max(ours, rows[each.run_id, each.stage])
    ]
    return alike[-EARLIER_RUNS:]


def _compared(one: Spent, earlier: Sequence[Spent], rows: Mapping[tuple[str, str], int]) -> Measurement | None:
    """Return the stage's CPU time over its usual one; None when too few runs tell what is usual."""
    if len(earlier) < ENOUGH_RUNS:
        return None
    usual = statistics.median(each.usage.cpu_seconds for each in earlier)
    return Measurement(
        metric="stage_cpu_ratio",
        value=one.usage.cpu_seconds / max(usual, LEAST_CPU_SECONDS),
        n=len(earlier),
        subject=one.stage,
        facts={
            "CPU seconds": round(one.usage.cpu_seconds, 3),
            "usual CPU seconds": round(usual, 3),
            "rows": rows.get((one.run_id, one.stage)) or None,
        },
    )


def _held_to_limits(spec: ModelSpec, one: Spent) -> list[Measurement]:
    declared, used = spec.resources.of(one.stage), one.usage
    found = []
    if declared.memory_bytes:
        found.append(_share("memory", one, used.peak_bytes / 2**20, declared.memory_bytes / 2**20, "MiB"))
    if declared.seconds:
        found.append(_share("seconds", one, used.wall_seconds, declared.seconds, "s"))
    return found


def _share(what: str, one: Spent, used: float, allowed: float, unit: str) -> Measurement:
    facts = {"used": f"{used:,.1f} {unit}", "allowed": f"{allowed:,.1f} {unit}"}
    if what == "memory" and not one.usage.peak_is_own:
        facts["peak"] = "of the process so far, not of this stage alone"
    return Measurement(
        metric="share_of_limit", value=used / allowed, n=1, unit="share", subject=f"{one.stage} {what}", facts=facts
    )


def _held_to_budget(cost: float | None, budget: float, currency: str, stages: int) -> Measurement:
    return Measurement(
        metric="share_of_budget",
        value=None if cost is None else cost / budget,
        n=stages,
        unit="share",
        reason="" if cost is not None else "no stage of the run was measured, or there are no prices",
        facts={} if cost is None else {"cost": f"{cost:.6g} {currency}", "budget": f"{budget:g} {currency}"},
    )
