"""Inspect: a batch against a reference, measured and judged, in one call without Dagster."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.policy.gates import AtMost
from ml_platform.policy.judge import judge
from ml_platform.policy.problems import nearest
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.policy.shipped import shipped_policy
from ml_platform.policy.spec import Role
from ml_platform.stages.inspection.against_contract import broken_rows, inspected_columns, private_columns
from ml_platform.stages.inspection.finding import Finding, Inspection
from ml_platform.stages.inspection.measure import ALPHA, BatchMeasured, Proven, measure_batch, require_table, subject_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from ml_platform.policy.spec import Column

STAGE = "snapshot"
CONDITIONS = frozenset({"always", "new_rows"})


def inspect_batch(
    reference: pd.DataFrame,
    batch: pd.DataFrame,
    *,
    contract: Mapping[str, Column] | None = None,
    target: str | None = None,
    scores: tuple[ArrayLike, ArrayLike] | None = None,
    policy: Policy | None = None,
    alpha: float = ALPHA,
) -> Inspection:
    """Return every fault that a batch's rows prove, judged by the policy (default: the platform's own).

    Both frames hold one row per case. With a contract its columns alone are inspected, rows that break it are findings
    too, and times, entities and direct personal data are left out; without one the types are the reference's. `target`
    names the label column when both have it; `scores` is a pair of one held-out model's scores: of the reference rows,
    of the batch rows. A sound batch (rows dealt from where the reference's came from) has a finding with a probability
    of at most `alpha`. Raises DataInvalid for what is no table.
    """
    _require_arguments(reference, batch, target=target, scores=scores, policy=policy, alpha=alpha)
    policy = policy or shipped_policy()
    private: list[str] = []
    breaks: tuple[Measurement, tuple[Finding, ...]] | None = None
    if contract is not None:
        require_table("batch", batch)
        breaks = broken_rows(contract, batch)
        names, private = inspected_columns(contract), private_columns(contract)
        reference, batch = (frame[[name for name in names if name in frame]] for frame in (reference, batch))
        target = target or next((name for name in names if Role.TARGET in contract[name].roles), None)
    found = measure_batch(reference, batch, target=target, scores=scores, private=private, alpha=alpha)
    measured = (*found.measurements, *([breaks[0]] if breaks else ()))
    mine = _of_metrics(policy, {one.metric for one in measured})
    findings = [*_proven(found, mine), *(_refused(*breaks, mine) if breaks else ())]
    now = dt.datetime.now(tz=dt.UTC)
    return Inspection(
        findings=tuple(sorted(findings, key=lambda one: (one.p_value, -one.effect))),
        verdicts=judge(mine, STAGE, measured, conditions=CONDITIONS, now=now),
        measurements=measured,
        smallest_detectable={metric: size for metric, size in found.smallest_detectable.items() if size > 0},
        reference_rows=len(reference),
        batch_rows=len(batch),
        alpha=alpha,
    )


def _require_arguments(
    reference: object,
    batch: object,
    *,
    target: str | None,
    scores: object,
    policy: object,
    alpha: object,
) -> None:
    """Raise DataInvalid for what can't be inspected with, before anything is passed silently."""
    names = [str(name) for name in getattr(reference, "columns", ())]
    if hasattr(reference, "columns") and not names:
        raise DataInvalid("inspect_batch: the reference has no columns; at least one is needed to compare anything")
    if target is not None and target not in names and target not in getattr(batch, "columns", ()):
        hint = f". {near}" if (near := nearest(names, target)) else ""
        raise DataInvalid(f"inspect_batch: target is {target!r}, which neither table has as a column{hint}")
    if scores is not None and not (isinstance(scores, tuple | list) and len(scores) == 2):
        raise DataInvalid(
            "inspect_batch: scores needs a pair: (scores of the reference rows, scores of the batch rows)"
        )
    if policy is not None and not isinstance(policy, Policy):
        seen = type(policy).__name__
        raise DataInvalid(
            f"inspect_batch: policy is a {seen}; a Policy is needed, such as load_model(path, now=...).policy"
        )
    if not (isinstance(alpha, int | float) and 0 < alpha < 1):
        raise DataInvalid(f"inspect_batch: alpha is {alpha!r}; a probability between 0 and 1 is needed, such as 0.005")


def _of_metrics(policy: Policy, metrics: Collection[str]) -> Policy:
    gates = {name: gate for name, gate in policy.gates_of(STAGE).items() if gate.metric in metrics}
    return make_policy(gates, policy.waivers, policy.approvals, policy.packs, signed_approvals=policy.signed_approvals)


def _limits(policy: Policy) -> dict[str, float]:
    return {gate.metric: gate.limit for gate in policy.gates.values() if isinstance(gate, AtMost)}


def _proven(found: BatchMeasured, policy: Policy) -> list[Finding]:
    """Return what is proven and larger than the gates on its metric tolerate."""
    limits = _limits(policy)
    return [_finding(one, found) for one in found.proven if one.evidence.effect > limits.get(one.metric, 0.0)]


def _refused(measured: Measurement, findings: tuple[Finding, ...], policy: Policy) -> tuple[Finding, ...]:
    """Return the broken rules of a batch with more refused rows than the policy tolerates."""
    return findings if (measured.value or 0.0) > _limits(policy).get(measured.metric, 0.0) else ()


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
