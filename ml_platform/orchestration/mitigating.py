"""Mitigating: where a gate on selection rates isn't passed, what it would take is measured; judging comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.mitigation import MitigationRecord
from ml_platform.core.verdict import Outcome
from ml_platform.orchestration.run_stage import Task, recall_or_work
from ml_platform.policy.gates import AtLeast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_platform.core.records import FeaturesRecord, ModelRecord
    from ml_platform.core.verdict import Verdict
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.resolve import Policy

KEPT = frozenset({Outcome.PASSED, Outcome.NOT_APPLICABLE})


def unkept_limits(policy: Policy, verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Return the limits on selection-rate ratios, by metric, that gates found not kept: failed, undecided or waived.

    What couldn't be measured at all asks for no mitigation.
    """
    from ml_platform.stages.mitigate import RATIOS

    gates = {one.gate: policy.gates[one.gate] for one in verdicts if one.outcome not in KEPT and _is_measured(one)}
    return {gate.metric: gate.limit for gate in gates.values() if isinstance(gate, AtLeast) and gate.metric in RATIOS}


def mitigation_of(
    desk: Desk, features: FeaturesRecord, model: ModelRecord, verdicts: Sequence[Verdict]
) -> MitigationRecord | None:
    """Measure what it would take to keep the limits that aren't kept; None when all are, which costs nothing."""
    limits = unkept_limits(desk.policy, verdicts)
    if not limits:
        return None
    from ml_platform.stages.mitigate import KIND, mitigate

    inputs = {"model": model.digest, "features": features.digest, "limits": limits}
    task = Task(stage="mitigation", inputs=inputs, kind=KIND, record_type=MitigationRecord)
    store = desk.platform.store
    made = recall_or_work(
        desk, task, lambda: mitigate(desk.spec, store=store, model=model, features=features, limits=limits)
    )
    return made.record


def mitigation_hints(desk: Desk, mitigation: MitigationRecord | None) -> tuple[str, ...]:
    """Say in one line what it would take, for a refusal."""
    if mitigation is None:
        return ()
    from ml_platform.reports.content import read_mitigation
    from ml_platform.reports.mitigation import mitigation_hint

    return (mitigation_hint(read_mitigation(desk.platform.store, mitigation)),)


def _is_measured(verdict: Verdict) -> bool:
    return any(one.value is not None for one in verdict.measurements)
