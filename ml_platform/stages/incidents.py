"""Incidents: opened from a prediction, listed from the audit chain, closed with a reason; never forgotten."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.incident import Incident, IncidentCase

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore, AuditEntry, Ledger
    from ml_platform.core.traffic import Prediction
    from ml_platform.policy.spec import ModelSpec

KIND = "incidents"
FILE = "case.json"
OPENED, CLOSED = "incident_opened", "incident_closed"
SHORTEST_REASON = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the answer has to be."""

    decision: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who says so, why and when; `review` is the day on which somebody looks at it again."""

    actor: str
    reason: str
    now: dt.datetime
    review: dt.date


def open_incident(
    spec: ModelSpec, prediction: Prediction, expected: Expected, said: Said, *, store: ArtefactStore, ledger: Ledger
) -> Incident:
    """Keep a wrong answer as a case that every later candidate has to answer as expected.

    The same case opened twice is one. Raises DataInvalid when it can't be a case.
    """
    case = _case(spec, prediction, expected, said)
    digest = digest_of(case)
    known = next((one for one in incidents(ledger, spec.model) if one.case_digest == digest and one.is_open), None)
    if known is not None:
        return known
    if not store.has(KIND, digest):
        store.put(KIND, digest, {FILE: msgspec.json.encode(case)})
    number = len(incidents(ledger, spec.model)) + 1
    incident = Incident(
        name=f"incident-{number}-{digest[:6]}", model=spec.model, case_digest=digest, slice=_slice(spec, case),
        reason=said.reason, opened_by=said.actor, opened_at=said.now, review=said.review,
    )  # fmt: skip
    payload = {
        "incident": incident.name, "case": digest, "slice": incident.slice, "reason": said.reason,
        "review": said.review.isoformat(), "prediction": prediction.id,
    }  # fmt: skip
    ledger.append(OPENED, actor=said.actor, subject=spec.model, payload=payload, at=said.now)
    return incident


def close_incident(ledger: Ledger, model: str, name: str, *, actor: str, reason: str, now: dt.datetime) -> Incident:
    """Close an incident: later candidates are free of it, and it stays on record with who said so and why.

    Raises DataInvalid when it isn't open, or without a reason.
    """
    _require_reason(reason)
    known = [one.name for one in incidents(ledger, model) if one.is_open]
    if name not in known:
        message = f"{model}: {name[:60]!r} is no open incident; open: {', '.join(known) or 'none'}; name one of them"
        raise DataInvalid(message)
    ledger.append(CLOSED, actor=actor, subject=model, payload={"incident": name, "reason": reason}, at=now)
    (closed,) = (one for one in incidents(ledger, model) if one.name == name)
    return closed


def incidents(ledger: Ledger, model: str) -> tuple[Incident, ...]:
    """Return all incidents of a model, in the order in which they were opened."""
    return _replayed(model, ledger.audit(model=model))


def read_case(store: ArtefactStore, incident: Incident) -> IncidentCase:
    """Return an incident's case; raises as the store does when it is gone or isn't what was stored."""
    return msgspec.json.decode(store.read(KIND, incident.case_digest, FILE), type=IncidentCase)


def _replayed(model: str, entries: Iterable[AuditEntry]) -> tuple[Incident, ...]:
    found: dict[str, Incident] = {}
    for entry in entries:
        said = {name: str(value) for name, value in entry.payload.items()}
        if entry.action == OPENED:
            found[said["incident"]] = Incident(
                name=said["incident"], model=model, case_digest=said["case"], slice=said["slice"],
                reason=said["reason"], opened_by=entry.actor, opened_at=entry.at,
                review=dt.date.fromisoformat(said["review"]),
            )  # fmt: skip
        elif entry.action == CLOSED:
            found[said["incident"]] = dataclasses.replace(
                found[said["incident"]], closed_by=entry.actor, closed_reason=said["reason"], closed_at=entry.at
            )
    return tuple(found.values())


def _case(spec: ModelSpec, prediction: Prediction, expected: Expected, said: Said) -> IncidentCase:
    _require_reason(said.reason)
    problem = _problem(spec, prediction, expected)
    if problem:
        raise DataInvalid(f"{spec.model}: {problem}")
    direct = {name for name, column in spec.contract.items() if column.personal_data == "direct"}
    return IncidentCase(
        model=spec.model,
        prediction_id=prediction.id,
        version=prediction.version,
        answered=prediction.score or 0.0,
        event_time=prediction.event_time,
        inputs={name: value for name, value in prediction.inputs.items() if name not in direct},
        decision=expected.decision,
        at_least=expected.at_least,
        at_most=expected.at_most,
        of=expected.of,
    )


def _problem(spec: ModelSpec, prediction: Prediction, expected: Expected) -> str:
    classes = spec.classes
    if prediction.score is None:
        why = "the model abstained" if prediction.abstained else "the request was refused, so there was no answer"
        return f"{why}; an answered prediction is needed; name another"
    if expected.decision is None and expected.at_least is None and expected.at_most is None:
        return "nothing is expected; a decision or a bound of the score is needed; give --expected or --at-least"
    if expected.decision is not None and expected.decision not in classes:
        known = ", ".join(classes) or "none, a number is predicted: give --at-least or --at-most"
        return f"it decides no {expected.decision[:60]!r}; known: {known}"
    bounded = expected.at_least is not None or expected.at_most is not None
    several = len(classes) > 2
    if bounded and several and expected.of not in classes:
        return f"of which class the score is meant isn't said; known: {', '.join(classes)}; give --of"
    if expected.of is not None and not (bounded and several):
        return "--of says of which of several classes the bounded score is; leave it out here"
    return ""


def _require_reason(reason: str) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        message = f"the reason has {len(reason.strip())} characters; at least {SHORTEST_REASON} are needed; say why"
        raise DataInvalid(message)


def _slice(spec: ModelSpec, case: IncidentCase) -> str:
    """Return where the case lies, by the categories that may be shown."""
    shown = [
        f"{name} = {case.inputs[name]}"
        for name in spec.inputs
        if spec.contract[name].type == "category"
        and spec.contract[name].personal_data == "none"
        and name in case.inputs
    ]
    return ", ".join(shown)
