"""Verdicts: what a policy says of an evaluation or a comparison made in a notebook."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.gates import AtLeast, Gate
from ml_platform.policy.judge import judge as judge_stage
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.policy.shipped import shipped_policy
from ml_platform.stages.evaluation.comparison import Comparison
from ml_platform.stages.evaluation.evaluation import Evaluation

STAGE = "evaluation"
CONTROL = "REGRESSION-CAUGHT"
NO_WORSE, BETTER = "challenger_is_no_worse", "challenger_is_better"


def judge(found: Evaluation | Comparison, policy: Policy | None = None) -> tuple[Verdict, ...]:
    """Return one verdict per gate that speaks of what was measured; what isn't proven is not passed.

    An evaluation is judged by the policy's gates on evaluations (default: the platform's own, those on fairness where
    there are groups); gates on what only the model itself can show (noise, missing features) aren't among them. A
    comparison is judged by its own margin, and whether the gain is proven at all is a warning; with a policy, by the
    policy's gates on it. DataInvalid for anything else, and where no gate of the policy speaks of it.
    """
    _require(found, policy)
    base = policy or shipped_policy("limited" if _has_groups(found) else "base")
    if isinstance(found, Evaluation):
        measured, conditions, gates = found.measurements, found.conditions, _gates_on(base, found.measurements)
    else:
        measured, conditions = (found.measurement,), frozenset({"always", "champion"})
        gates = _own_gates(found) if policy is None else _gates_on(policy, measured)
    chosen = make_policy(gates, base.waivers, base.approvals, base.packs, signed_approvals=base.signed_approvals)
    verdicts = judge_stage(chosen, STAGE, measured, conditions=conditions, now=dt.datetime.now(tz=dt.UTC))
    return tuple(_strictly(one) if policy is None and one.gate == BETTER else one for one in verdicts)


def _strictly(verdict: Verdict) -> Verdict:
    """Hold a gain to be above 0: what does the same isn't better, though it is no worse."""
    outcome, gain = verdict.outcome, verdict.worst
    if outcome is Outcome.PASSED and not (gain is not None and gain.low is not None and gain.low > 0):
        higher = gain is not None and gain.high is not None and gain.high > 0
        outcome = Outcome.UNDECIDED if higher else Outcome.FAILED
    said = {name: getattr(verdict, name).replace("≥ 0 over", "> 0 over") for name in ("limit", "reason")}
    return replace(verdict, outcome=outcome, **said)


def _has_groups(found: Evaluation | Comparison) -> bool:
    return isinstance(found, Evaluation) and "groups" in found.conditions


def _require(found: object, policy: object) -> None:
    """Raise DataInvalid for what can't be judged, or judged by."""
    if not isinstance(found, Evaluation | Comparison):
        seen = type(found).__name__
        raise DataInvalid(f"judge: got a {seen}; what evaluate() or compare() returned is needed")
    if policy is not None and not isinstance(policy, Policy):
        seen = type(policy).__name__
        raise DataInvalid(f"judge: policy is a {seen}; a Policy is needed, such as load_model(path, now=...).policy")


def _gates_on(policy: Policy, measured: tuple[Measurement, ...]) -> dict[str, Gate]:
    metrics = {one.metric for one in measured}
    gates = {name: gate for name, gate in policy.gates_of(STAGE).items() if gate.metric in metrics}
    if not gates:
        raise DataInvalid(f"judge: no gate of the policy speaks of {', '.join(sorted(metrics))}; add one to its pack")
    return gates


def _own_gates(found: Comparison) -> dict[str, Gate]:
    metric = found.measurement.metric
    no_worse = AtLeast(
        kind="at_least", control=CONTROL, stage=STAGE, metric=metric, limit=-found.margin, judged_on="interval",
        why="What is live is replaced only by what is proven no worse.",
        next_step="Look at where the challenger lost, or compare on more rows.",
    )  # fmt: skip
    better = AtLeast(
        kind="at_least", control=CONTROL, stage=STAGE, metric=metric, limit=0.0, judged_on="interval",
        severity="warn", why="A release that gains nothing costs its risk.",
        next_step="Keep the champion, or name the other reason for the release.",
    )  # fmt: skip
    return {NO_WORSE: no_worse, BETTER: better}
