"""Examining evidence once more: every stored measurement is judged again, so that no verdict is taken on trust."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ml_platform.core.digest import short
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import Candidate, Evidence, EvidencePart
from ml_platform.policy.conditions import MEANINGS, why_not_applicable
from ml_platform.policy.judge import judge
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
    recorded = {verdict.gate: verdict for verdict in part.verdicts}
    measurements, conditions = _measurements(policy, part), frozenset(part.conditions)
    then = judge(policy, part.stage, measurements, conditions=conditions, now=part.made_at)
    today = judge(policy, part.stage, measurements, conditions=conditions, now=now)
    for made, again in zip(then, today, strict=True):
        was = recorded[made.gate]
        if was != made:
            yield Objection(
                f"gate {made.gate} is recorded as {was.outcome}, but its measurements say {made.outcome} "
                f"({made.reason}): the verdict was not made by this policy; run the release job"
            )
        elif again.closes:
            yield closed(again)


def _measurements(policy: Policy, part: EvidencePart) -> list[Measurement]:
    """Return what was measured of each metric once; several gates may judge the same metric."""
    found: dict[str, tuple[Measurement, ...]] = {}
    for verdict in part.verdicts:
        found.setdefault(policy.gates[verdict.gate].metric, verdict.measurements)
    return [measurement for measurements in found.values() for measurement in measurements]
