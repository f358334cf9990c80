"""Notices: what of the audit somebody has to be told, with its evidence and what to do next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, short
from ml_platform.core.measurement import number_text
from ml_platform.core.notice import Notice, NoticeKind
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.freezes import Freeze
from ml_platform.stages.alarm_words import alarmed, behind
from ml_platform.stages.approve import REFUSED as APPROVAL_REFUSED
from ml_platform.stages.freeze_ends import ENDED
from ml_platform.stages.retraining import DECLINED, REQUESTED

if TYPE_CHECKING:
    from ml_platform.core.ports import AuditEntry, Ledger
    from ml_platform.core.records import EvidencePart

VERDICTS = "verdicts_recorded"
SILENT = "monitoring_silent"
AUTOMATIC_ROLLBACK = "rollback.automatic"
MOST_LINES = 8
MOST_LINES_OF_GATES = 3
LONGEST_LINE = 400
# Gates of the stage health whose closing means that something will end soon.
EXPIRY_METRICS = frozenset({"days_to_expiry", "signing_key_age_days"})
_HEADLINES = frozenset({"METRICS", "REGRESSION-CAUGHT"})
_SUBJECT = re.compile(r"(?P<model>[a-z][a-z0-9_]*)(?:@(?P<place>[a-z]+)| v(?P<version>\d+)|/(?P<stage>[a-z_]+))?.*")
_PERSONAL = re.compile(r"[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?:\+|\b00)\d[\d ()./-]{6,20}\d")


def _no_window(_: str) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a model's file says that decides who has to do something; without a readable file nothing is known.

    `window_of` names the window that verdicts of the stage monitoring are about, by their digest.
    """

    approvals: int = 0
    harmful: frozenset[str] = frozenset()
    window_of: Callable[[str], str] = _no_window
    freezes: tuple[Freeze, ...] = ()


About = Callable[[str], Known]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A notice without what every notice has."""

    kind: NoticeKind
    title: str
    evidence: Sequence[str]
    next_step: str
    cause: object


def notice_of(entry: AuditEntry, ledger: Ledger, about: About) -> Notice | None:
    """Return what an entry has people told; None when it is nothing that they have to know."""
    told = _told(entry, ledger, about)
    if told is None:
        return None
    lines = [without_persons(line)[:LONGEST_LINE] for line in told.evidence if line]
    more = len(lines) - MOST_LINES
    return Notice(
        key=f"{told.kind}-{entry.hash[:32]}",
        kind=told.kind,
        model="" if entry.action == SILENT else _model(entry),
        cause=short(digest_of([told.kind, entry.subject, told.cause])),
        title=without_persons(told.title)[:LONGEST_LINE],
        evidence=(*lines[:MOST_LINES], *([f"… and {more} more"] if more > 0 else [])),
        next_step=told.next_step,
        at=entry.at,
        sequence=entry.sequence,
    )


def without_persons(text: str) -> str:
    """Return a text that somebody typed, in one line, with addresses and telephone numbers masked.

    >>> without_persons("ask kim@example.org or +49 30 1234567 first")
    'ask [masked] or [masked] first'
    """
    return _PERSONAL.sub("[masked]", " ".join(text.split()))


def _told(entry: AuditEntry, ledger: Ledger, about: About) -> _Told | None:
    if entry.action == VERDICTS:
        return _judged(entry, ledger, about)
    if entry.action == "released":
        return _released(entry, ledger)
    if entry.action == "deployed":
        return _deployed(entry, ledger, about(_model(entry)))
    plain = _PLAIN.get(entry.action)
    return plain(entry) if plain else None


def _refused(entry: AuditEntry) -> _Told:
    what = entry.action.removesuffix("_refused")
    version = f" v{entry.payload['version']}" if "version" in entry.payload else ""
    reasons = _texts(entry.payload.get("reasons"))
    next_step = {
        "release": f"read the report: `ml-platform controls {_model(entry)}`, repair what is named, run it again",
        "promotion": f"`ml-platform show {_model(entry)}`; do what the reasons ask for, then promote again",
        "approval": "somebody who may approve has to; see `ml-platform show`",
        "rollback": "look at once: nothing was rolled back, and what is live stays live",
    }[what]
    evidence = [*reasons, f"candidate {short(str(entry.payload['candidate']))}" if "candidate" in entry.payload else ""]
    return _Told(
        kind="refused",
        title=f"{entry.subject}{version}: {what} refused",
        evidence=evidence,
        next_step=next_step,
        cause=[entry.action, version, reasons],
    )


def _released(entry: AuditEntry, ledger: Ledger) -> _Told:
    evidence = [f"evidence {short(str(entry.payload.get('evidence_digest', '')))}", *_headlines(entry, ledger)]
    return _Told(
        kind="released",
        title=f"{entry.subject} was released",
        evidence=evidence,
        next_step=f"`ml-platform changes {entry.subject.replace(' v', '/')}` says what is new in it",
        cause=entry.subject,
    )


def _headlines(entry: AuditEntry, ledger: Ledger) -> list[str]:
    """Return the numbers a release was judged on that have an interval: the few that people ask for first."""
    found = _SUBJECT.fullmatch(entry.subject)
    release = ledger.release(found["model"], int(found["version"])) if found and found["version"] else None
    if release is None:
        return []
    part = ledger.part(release.model, "evaluation", release.candidate.evaluation_digest, release.policy_digest)
    verdicts = [one for one in part.verdicts if one.control in _HEADLINES] if part else []
    measured = [one.worst for one in verdicts if one.worst is not None and one.worst.low is not None]
    return [one.text() for one in dict.fromkeys(measured) if one.value is not None]


def _deployed(entry: AuditEntry, ledger: Ledger, known: Known) -> _Told:
    version, place = entry.payload.get("version"), entry.subject.partition("@")[2]
    model = _model(entry)
    replaced = entry.payload.get("replaced")
    model_digest, evidence_digest = (short(str(entry.payload.get(f"{what}_digest"))) for what in ("model", "evidence"))
    evidence = [
        f"v{version} is live in {place}" + (f"; it replaced v{replaced}" if replaced else ""),
        f"reason: {entry.payload.get('reason', '')}",
        f"model {model_digest}, evidence {evidence_digest}",
    ]
    in_production = ledger.live(model, "production")
    waits = place == "staging" and known.approvals > 0 and (in_production is None or in_production.version != version)
    if waits:
        return _Told(
            kind="approval_needed",
            title=f"{model} v{version}: {known.approvals} approvals needed for production",
            evidence=evidence,
            next_step=f"`ml-platform show {model}/{version}`, then `ml-platform approve {model}/{version} "
            "--env production` or `ml-platform reject`",
            cause=version,
        )
    return _Told(
        kind="deployed",
        title=f"{model} v{version} is live in {place}",
        evidence=evidence,
        next_step=f"nothing, if this was meant; else `ml-platform rollback {model} --env {place}`",
        cause=[version, entry.sequence],
    )


def _barred(entry: AuditEntry) -> _Told:
    return _Told(
        kind="rolled_back",
        title=f"{entry.subject} was rolled back and barred",
        evidence=[f"reason: {entry.payload.get('reason', '')}"],
        next_step=f"`ml-platform envs {_model(entry)}` says what is live now; release again when the cause is known",
        cause=entry.subject,
    )


def _rolled_back_automatically(entry: AuditEntry) -> _Told:
    version, place = entry.payload.get("barred"), entry.subject.partition("@")[2]
    return _Told(
        kind="rolled_back",
        title=f"{_model(entry)} v{version} was taken back in {place} by the sensor",
        evidence=[
            f"reason: {entry.payload.get('reason', '')}",
            *map(_measured, _list(entry.payload.get("measured"))),
            f"{entry.payload.get('seconds')} seconds, run {entry.payload.get('run_id', '')}",
        ],
        next_step=f"see that v{entry.payload.get('version')} does well; find the cause before v{version}'s successor",
        cause=[version, entry.sequence],
    )


def _measured(said: object) -> str:
    if not isinstance(said, Mapping):
        return ""
    numbers = [said.get(name) for name in ("value", "low", "high")]
    value, low, high = (number_text(one) if isinstance(one, int | float) else "?" for one in numbers)
    return f"{said.get('metric')} = {value} [{low}, {high}] (n = {said.get('n')})"


def _declined(entry: AuditEntry) -> _Told:
    return _Told(
        kind="retraining",
        title=f"{entry.subject}: there was a reason to retrain, and it wasn't followed",
        evidence=[str(entry.payload.get("reason", "")), f"cause {short(str(entry.payload.get('cause', '')))}"],
        next_step="nothing, if what the model file allows is meant; else change `monitoring` in it",
        cause=[entry.payload.get("cause"), entry.payload.get("reason")],
    )


def _thawed(entry: AuditEntry) -> _Told:
    model, place, version = _model(entry), entry.subject.partition("@")[2], entry.payload.get("version")
    return _Told(
        kind="freeze_ended",
        title=f"{model}: {place} is no longer frozen; v{version} was refused because of it",
        evidence=[f"refused in audit entry {entry.payload.get('refused')}"],
        next_step=f"`ml-platform promote {model}/{version} --env {place} --reason '…'`, if it is still wanted",
        cause=entry.payload.get("refused"),
    )


def _rejected(entry: AuditEntry) -> _Told:
    version, place = entry.payload.get("version"), entry.subject.partition("@")[2]
    return _Told(
        kind="rejected",
        title=f"{_model(entry)} v{version} was rejected for {place}",
        evidence=[
            f"reason: {entry.payload.get('reason', '')}",
            f"evidence {short(str(entry.payload.get('evidence_digest', '')))}",
        ],
        next_step="answer the reason with a new version; only who may approve can withdraw a rejection",
        cause=[version, entry.payload.get("reason")],
    )


def _retraining(entry: AuditEntry) -> _Told:
    return _Told(
        kind="retraining",
        title=f"{entry.subject}: retraining has begun",
        evidence=[
            f"because {entry.payload['reason']}" if entry.payload.get("reason") else "",
            f"on the rows before {str(entry.payload.get('as_of', ''))[:10]}",
            f"run {entry.payload.get('run_id', '')}, cause {short(str(entry.payload.get('cause', '')))}",
        ],
        next_step="wait for its release or refusal; both are told",
        cause=entry.payload.get("cause"),
    )


def _judged(entry: AuditEntry, ledger: Ledger, about: About) -> _Told | None:
    model, stage = _model(entry), entry.subject.partition("/")[2]
    if stage not in {"monitoring", "health"}:
        return None
    subject, policy = str(entry.payload.get("subject_digest")), str(entry.payload.get("policy_digest"))
    part = ledger.part(model, stage, subject, policy)
    if part is None:
        return None
    if stage == "monitoring":
        return _harm(entry, part, about(model))
    closed = [one for one in part.verdicts if not one.outcome.opens]
    ends = [one for one in closed if one.worst is not None and one.worst.metric in EXPIRY_METRICS]
    if ends and len(ends) == len(closed):
        return _verdicts_told(entry, "expiring", ends)
    return _verdicts_told(entry, "unhealthy", closed)


def _harm(entry: AuditEntry, part: EvidencePart, known: Known) -> _Told | None:
    """Tell of harm that is proven on a window: the numbers, what lies behind it, and where the rest can be read."""
    told = _verdicts_told(entry, "harm", [
        one for one in part.verdicts
        if one.outcome is Outcome.FAILED and (one.gate in known.harmful or one.severity is Severity.BLOCK)
    ])  # fmt: skip
    if told is None:
        return None
    model, window = _model(entry), known.window_of(part.subject_digest)
    in_window = f"in the window {window}" if window else "in production"
    read = f"page {model}/monitoring" + (f", partition {window}" if window else "")
    return replace(
        told,
        title=told.title.replace("in production", in_window, 1),
        evidence=[
            *told.evidence[:-1][:MOST_LINES_OF_GATES],
            *(f"behind it: {one}" for one in behind(part.verdicts)),
            f"{read}, run {part.run_id}" if part.run_id else read,
            told.evidence[-1],
        ],
        next_step=next((one.next_step for one in alarmed(part.verdicts)), told.next_step),
    )


def _verdicts_told(entry: AuditEntry, kind: NoticeKind, verdicts: Sequence[Verdict]) -> _Told | None:
    if not verdicts:
        return None
    model = _model(entry)
    said = {
        "harm": "harm in production is proven",
        "expiring": "something ends soon",
        "unhealthy": "the platform's health isn't proven",
    }[kind]
    return _Told(
        kind=kind,
        title=f"{model}: {said} ({', '.join(one.gate for one in verdicts)})"[:LONGEST_LINE],
        evidence=[_evidence(one) for one in verdicts] + [f"policy {short(str(entry.payload.get('policy_digest')))}"],
        next_step=verdicts[0].next_step,
        cause=sorted((one.gate, one.outcome, one.worst.subject if one.worst else "") for one in verdicts),
    )


def _evidence(verdict: Verdict) -> str:
    return f"{verdict.gate} {verdict.outcome}: {verdict.reason}"


def _silent(entry: AuditEntry) -> _Told:
    return _Told(
        kind="silent",
        title="monitoring itself has stopped",
        evidence=_texts(entry.payload.get("found")),
        next_step="start Dagster's daemon again, then `ml-platform health`; until then nothing is watched",
        cause=entry.payload.get("since"),
    )


def _model(entry: AuditEntry) -> str:
    found = _SUBJECT.fullmatch(entry.subject)
    return found["model"] if found else ""


def _texts(value: object) -> list[str]:
    return [str(one) for one in _list(value)]


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []


_PLAIN: Mapping[str, Callable[[AuditEntry], _Told]] = {
    "release_refused": _refused,
    "promotion_refused": _refused,
    APPROVAL_REFUSED: _refused,
    "rollback_refused": _refused,
    "barred": _barred,
    "rejected": _rejected,
    REQUESTED: _retraining,
    DECLINED: _declined,
    AUTOMATIC_ROLLBACK: _rolled_back_automatically,
    SILENT: _silent,
    ENDED: _thawed,
}
ACTIONS = frozenset({*_PLAIN, "released", "deployed", VERDICTS})
