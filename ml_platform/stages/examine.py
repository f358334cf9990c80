"""Examining evidence once more: every stored measurement is judged again, so that no verdict is taken on trust."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ml_platform.core.digest import short
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import Candidate, Evidence, EvidencePart
from ml_platform.core.verdict import Verdict
from ml_platform.policy.conditions import MEANINGS, why_not_applicable
from ml_platform.policy.judge import judge_gate, seen_of
from ml_platform.policy.resolve import Policy
from ml_platform.stages.evidence import STAGES, closed, part_objections, subjects_of
from ml_platform.stages.objection import Objection


def examine_evidence(
    policy: Policy, evidence: Evidence, candidate: Candidate, *, holds: frozenset[str], now: dt.datetime
) -> list[Objection]:
    """Return what stands against the candidate in its evidence; `holds` are conditions known to be true."""
    objections = []
    if evidence.candidate != candidate:
        objections.append(Objection("the evidence is about another candidate than the release: release again"))
    if evidence.policy_digest != policy.digest:
        objections.append(another_policy(evidence.policy_digest, policy))
    stages = [part.stage for part in evidence.parts]
    wrong = sorted({stage for stage in stages if stages.count(stage) > 1 or stage not in STAGES})
    objections += [
        Objection(f"the evidence holds {stage} {stages.count(stage)} times: release again") for stage in wrong
    ]
    if not any(policy.gates_of(stage) for stage in STAGES):
        objections.append(Objection("the policy has no gates, so nothing was proven: give the model a policy pack"))
    if objections:
        return objections
    parts = {part.stage: part for part in evidence.parts}
    return list(_examine_parts(policy, parts, subjects_of(candidate), holds=holds, now=now))


def examine_part(
    policy: Policy, stage: str, part: EvidencePart | None, subject: str, *, holds: frozenset[str], now: dt.datetime
) -> list[Objection]:
    """Return what stands against a subject in the verdicts of one stage."""
    parts = {} if part is None else {stage: part}
    return list(_examine_parts(policy, parts, {stage: subject}, holds=holds, now=now))


def another_policy(digest: str, policy: Policy) -> Objection:
    """Say that verdicts were made under another policy than the current one."""
    reason = (
        f"the evidence was made under policy {short(digest)}, the current one is {short(policy.digest)}: "
        "run the release job"
    )
    return Objection(reason, undecided=True)


def _examine_parts(
    policy: Policy,
    parts: Mapping[str, EvidencePart],
    subjects: Mapping[str, str],
    *,
    holds: frozenset[str],
    now: dt.datetime,
) -> Iterator[Objection]:
    known = holds.union(*(part.conditions for part in parts.values()))
    for stage, subject in subjects.items():
        part = parts.get(stage)
        if part is not None and (part.subject_digest != subject or part.policy_digest != policy.digest):
            yield Objection(f"the verdicts of {stage} are about another subject or policy: run the release job")
            continue
        missing = part_objections(policy, stage, part)
        yield from missing
        if part is not None and not missing:
            yield from _conditions_left_out(policy, part, known)
            yield from _judge_again(policy, part, now)
            yield from _other_measurements(policy, part)


def _conditions_left_out(policy: Policy, part: EvidencePart, holds: frozenset[str]) -> Iterator[Objection]:
    """Yield the gates that apply now but were judged as if their condition didn't hold."""
    conditions = frozenset(part.conditions)
    for name, gate in policy.gates_of(part.stage).items():
        left_out = gate.when not in conditions or why_not_applicable(gate, conditions)
        if left_out and not why_not_applicable(gate, holds):
            reason = (
                f"gate {name} applies now ({MEANINGS[gate.when]}), but {part.stage} was judged as if it didn't: "
                "run the release job"
            )
            yield Objection(reason, undecided=True)


def _judge_again(policy: Policy, part: EvidencePart, now: dt.datetime) -> Iterator[Objection]:
    """Yield what its own measurements say against a part: by its own conditions and time it must come out the same.

    What came out the same is judged once more as of now, because a waiver may have run out since.
    """
    conditions = frozenset(part.conditions)
    for was in part.verdicts:
        made, again = (
            judge_gate(policy, was.gate, was.measurements, conditions=conditions, now=at) for at in (part.made_at, now)
        )
        if was != made:
            yield Objection(
                f"gate {made.gate} is recorded as {was.outcome}, but its measurements say {made.outcome} "
                f"({made.reason}): the verdict was not made by this policy; run the release job"
            )
        elif again.closes:
            yield closed(again)


def _other_measurements(policy: Policy, part: EvidencePart) -> Iterator[Objection]:
    """Yield the gates that were judged on other measurements than a gate before them on the same metric and subjects.

    Gates may look at different subjects of one metric; what two of them look at has to be the same.
    """
    before: dict[str, list[Verdict]] = {}
    for verdict in part.verdicts:
        others = before.setdefault(policy.gates[verdict.gate].metric, [])
        other = next((one for one in others if _shared(policy, one, verdict) != _shared(policy, verdict, one)), None)
        if other is not None:
            yield Objection(
                f"gate {verdict.gate} was judged on other measurements than gate {other.gate}, of the same: "
                "run the release job"
            )
        others.append(verdict)


def _shared(policy: Policy, verdict: Verdict, other: Verdict) -> list[Measurement]:
    """Return what a verdict has measured of the subjects that another one holds everything about."""
    seen = seen_of(policy.gates[other.gate], other.measurements)
    return [one for one in verdict.measurements if seen is None or one.subject in seen]
