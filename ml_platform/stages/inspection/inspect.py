"""Inspect: a batch against a reference, measured and judged, in one call without Dagster."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.policy.judge import judge
from ml_platform.policy.packs import combine, pack_files
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.inspection.finding import Finding, Inspection
from ml_platform.stages.inspection.measure import ALPHA, BatchMeasured, Proven, measure_batch, subject_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

PACK = "inspection"
STAGE = "snapshot"
CONDITIONS = frozenset({"always", "new_rows"})


def inspect_batch(
    reference: pd.DataFrame,
    batch: pd.DataFrame,
    *,
    target: str | None = None,
    scores: tuple[ArrayLike, ArrayLike] | None = None,
    policy: Policy | None = None,
    alpha: float = ALPHA,
) -> Inspection:
    """Return every fault that a batch's rows prove, judged by the policy (default: the platform's pack `inspection`).

    Both frames hold one row per case. `target` names the label column when both have it; `scores` is a pair of one
    held-out model's scores: of the reference rows, of the batch rows. A sound batch (rows dealt from where the
    reference's came from) has a finding with a probability of at most `alpha`. Raises DataInvalid for what is no table.
    """
    policy = policy or shipped_policy()
    found = measure_batch(reference, batch, target=target, scores=scores, alpha=alpha)
    gates = {name: gate for name, gate in policy.gates_of(STAGE).items() if gate.metric in found.smallest_detectable}
    mine = make_policy(gates, policy.waivers, policy.approvals, policy.packs)
    now = dt.datetime.now(tz=dt.UTC)
    return Inspection(
        findings=tuple(sorted(_findings(found, mine), key=lambda one: (one.p_value, -one.effect))),
        verdicts=judge(mine, STAGE, found.measurements, conditions=CONDITIONS, now=now),
        measurements=found.measurements,
        smallest_detectable=found.smallest_detectable,
        reference_rows=len(reference),
        batch_rows=len(batch),
        alpha=alpha,
    )


@lru_cache(maxsize=1)
def shipped_policy() -> Policy:
    """Return the platform's own gates on batches."""
    gates = combine((PACK,), pack_files())
    return make_policy(gates.gates, (), gates.approvals, gates.packs)


def _findings(found: BatchMeasured, policy: Policy) -> list[Finding]:
    """Return what is proven and larger than the gates on its metric tolerate."""
    limits = {gate.metric: getattr(gate, "limit", 0.0) for gate in policy.gates.values()}
    return [_finding(one, found) for one in found.proven if one.evidence.effect > limits.get(one.metric, 0.0)]


def _finding(one: Proven, found: BatchMeasured) -> Finding:
    evidence = one.evidence
    smallest = found.smallest_detectable[one.metric]
    measurement = Measurement(
        metric=one.metric, value=evidence.effect, n=evidence.n, unit="share", subject=subject_of(evidence.columns),
        facts={**evidence.facts, "p_value": one.p_value, "smallest_detectable": smallest},
    )  # fmt: skip
    return Finding(
        kind=evidence.kind, columns=evidence.columns, effect=evidence.effect, p_value=one.p_value,
        measurement=measurement,
    )  # fmt: skip
