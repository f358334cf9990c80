"""Examining evidence once more: every stored measurement is judged again, so that no verdict is taken on trust."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ml_platform.core.digest import short
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import Candidate, Evidence, EvidencePart
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.conditions import MEANINGS
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
    source = parts["source"].subject_digest if "source" in parts else ""
    return list(_examine_parts(policy, parts, subjects_of(candidate, source), holds=holds, now=now))


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
    conditions = holds | _conditions_seen(policy, parts.values())
    for stage, subject in subjects.items():
        part = parts.get(stage)
        if part is not None and (part.subject_digest != subject or part.policy_digest != policy.digest):
            yield Objection(f"the verdicts of {stage} are about another subject or policy: run the release job")
            continue
        missing = part_objections(policy, stage, part)
        yield from missing
        if part is not None and not missing:
            yield from _judge_again(policy, part, conditions, now)


def _conditions_seen(policy: Policy, parts: Iterable[EvidencePart]) -> frozenset[str]:
    """Return the conditions that held: those of which at least one gate was judged."""
    return frozenset(
        policy.gates[verdict.gate].when
        for part in parts
        for verdict in part.verdicts
        if verdict.gate in policy.gates and verdict.outcome is not Outcome.NOT_APPLICABLE
    )


def _judge_again(
    policy: Policy, part: EvidencePart, conditions: frozenset[str], now: dt.datetime
) -> Iterator[Objection]:
    stored = {verdict.gate: verdict for verdict in part.verdicts}
    for verdict in judge(policy, part.stage, _measurements(part.verdicts), conditions=conditions, now=now):
        was = stored[verdict.gate]
        if verdict.closes and was.outcome in {Outcome.WAIVED, verdict.outcome}:
            yield closed(verdict)  # its waiver has run out since
        elif was.outcome is Outcome.NOT_APPLICABLE and verdict.outcome is not was.outcome:
            when = MEANINGS[policy.gates[verdict.gate].when]
            reason = f"gate {verdict.gate} was not judged, but it applies now ({when}): run the release job"
            yield Objection(reason, undecided=True)
        elif not _same(was, verdict, policy):
            yield Objection(
                f"gate {verdict.gate} is recorded as {was.outcome}, but its measurements say {verdict.outcome} "
                f"({verdict.reason}): the verdict was not made by this policy; run the release job"
            )


def _same(was: Verdict, now: Verdict, policy: Policy) -> bool:
    lapsed = was.outcome is Outcome.WAIVED and now.severity is Severity.WARN
    return (
        (was.outcome is now.outcome or lapsed)
        and was.severity is now.severity
        and was.control == now.control
        and was.stage == now.stage
        and was.policy_digest == policy.digest
    )


def _measurements(verdicts: Sequence[Verdict]) -> list[Measurement]:
    """Return each measurement once, in the order first seen; several gates may judge the same one."""
    found: list[Measurement] = []
    for verdict in verdicts:
        found += [measurement for measurement in verdict.measurements if measurement not in found]
    return found
