"""What a model's policy and monitoring have to make sense of: known packs and gates, words that only tighten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ml_platform.policy.gates import Gate
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.problems import Problem, known, nearest, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Monitoring, Split, Task, TimeSplit, task_of

# The gates by which harm is expected before outcomes come: that performance falls, and that this can be believed.
HARM_GATES = ("performance_is_expected_to_hold", "estimates_come_true")


def check_packs(sections: Sections, names: Mapping[str, object]) -> Iterator[Problem]:
    """Yield the packs that nobody has written."""
    for index, pack in enumerate(sections.packs or ()):
        if pack not in names:
            yield Problem(("policy", "packs", index), f"policy.packs[{index}] is {seen(pack)}; {known(names, pack)}")


def check_waivers(sections: Sections, gates: Mapping[str, Gate]) -> Iterator[Problem]:
    """Yield the waivers of gates that don't exist and those written twice."""
    met: set[str] = set()
    for index, waiver in sections.waivers.items():
        where = ("policy", "waivers", index, "gate")
        if waiver.gate not in gates:
            hint = nearest(gates, waiver.gate) or "Name one of the policy's gates."
            yield Problem(where, f"policy.waivers[{index}].gate is {seen(waiver.gate)}, which no pack defines. {hint}")
        if waiver.gate in met:
            yield Problem(where, f"policy.waivers[{index}].gate is {seen(waiver.gate)} again; keep one waiver of it")
        met.add(waiver.gate)


def expired_waivers(sections: Sections, today: dt.date) -> Iterator[Problem]:
    """Yield the waivers that no longer count; they don't make a file invalid."""
    for index, waiver in sections.waivers.items():
        if waiver.expires < today:
            text = (
                f"policy.waivers[{index}] of {seen(waiver.gate)} by {waiver.owner} expired on {waiver.expires} "
                "and doesn't count; renew or remove it"
            )
            yield Problem(("policy", "waivers", index), text)


def check_monitoring(sections: Sections, gates: Mapping[str, Gate] | None) -> Iterator[Problem]:
    """Yield what is wrong with the dates and the gates that start retraining (unless `gates` isn't known)."""
    monitoring = sections.monitoring
    if monitoring is None:
        return
    if monitoring.end is not None and monitoring.start >= monitoring.end:
        text = f"monitoring.start is {monitoring.start}; needed: a day before monitoring.end, {monitoring.end}"
        yield Problem(("monitoring", "start"), text)
    yield from _forgetting(monitoring, sections.split)
    task = task_of(sections.objective) if sections.objective else None
    if gates is None:
        return
    yield from _untold_harm(monitoring, gates, task)
    watching = [name for name, gate in gates.items() if gate.stage == "monitoring" and _fits(gate, task)]
    for index, name in enumerate(monitoring.retrain_when):
        if name not in watching:
            text = f"monitoring.retrain_when[{index}] is {seen(name)}, no gate of monitoring; {known(watching, name)}"
            yield Problem(("monitoring", "retrain_when", index), text)


def _forgetting(monitoring: Monitoring, split: Split | None) -> Iterator[Problem]:
    """Yield that more rows are no gain where as many are forgotten as come."""
    slides = isinstance(split, TimeSplit) and not split.train_grows
    if monitoring.retrain_on_expected_gain is not None and slides:
        text = (
            f"monitoring.retrain_on_expected_gain is {monitoring.retrain_on_expected_gain:g}, and the training rows "
            "slide along: as many are forgotten as come, so that more rows are never expected to gain anything; set "
            "split.train_grows, or retrain by age with retrain_after_days"
        )
        yield Problem(("monitoring", "retrain_on_expected_gain"), text)


def _untold_harm(monitoring: Monitoring, gates: Mapping[str, Gate], task: Task | None) -> Iterator[Problem]:
    """Yield the gates that harm is expected by and that the policy doesn't have for this model."""
    if not monitoring.retrain_on_expected_harm:
        return
    lacking = [name for name in HARM_GATES if name not in gates or not _fits(gates[name], task)]
    if lacking:
        text = (
            f"monitoring.retrain_on_expected_harm needs the gates {' and '.join(HARM_GATES)}, and {', '.join(lacking)} "
            "can't be judged of this model: only rankings of two classes are estimated; leave it out"
        )
        yield Problem(("monitoring", "retrain_on_expected_harm"), text)


def _fits(gate: Gate, task: Task | None) -> bool:
    """Say whether a gate's metric is measured of a task's models; without a known task every one is."""
    tasks = METRICS[gate.metric].tasks
    return not tasks or task is None or task in tasks
