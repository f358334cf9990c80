"""Measure incidents: whether a candidate answers each open case as expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.explainable import explainable
from ml_platform.stages.incidents import METRIC, read_case

if TYPE_CHECKING:
    from ml_platform.core.incident import Incident, IncidentCase
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.explainable import Explainable
    from ml_platform.stages.ingredients import Ingredients


def measure_incidents(
    spec: ModelSpec, store: ArtefactStore, ingredients: Ingredients, cases: Sequence[Incident]
) -> Iterator[Measurement]:
    """Yield 1 for each open incident that the candidate answers wrong, else 0; undefined where it can't be asked."""
    if not cases:
        return
    candidate = explainable(spec, store=store, features=ingredients.features, model=ingredients.model)
    for incident in cases:
        try:
            yield _measured(incident, read_case(store, incident), candidate)
        except (DataInvalid, Unavailable) as error:
            yield Measurement(
                metric=METRIC, value=None, n=0, unit="cases", subject=incident.name,
                reason=f"it can't be asked: {error}", facts=_about(incident),
            )  # fmt: skip


def _measured(incident: Incident, case: IncidentCase, candidate: Explainable) -> Measurement:
    lacking = [one.name for one in candidate.bundle.contract.inputs if one.name not in case.inputs]
    part = candidate.request_part([case.inputs])
    classes = candidate.spec.classes
    facts: dict[str, Fact] = {**_about(incident), "expected": expected_text(case)}
    if lacking:
        facts["not_in_the_case"] = ", ".join(lacking)
    scores = part.score[0]
    missed = False
    if case.of is not None or part.score.ndim == 1:
        score = float(scores if case.of is None else scores[classes.index(case.of)])
        facts["score"] = score
        missed |= case.at_least is not None and not score >= case.at_least
        missed |= case.at_most is not None and not score <= case.at_most
    if case.decision is not None:
        code = part.decide(part.score)[0] if part.score.ndim == 1 else scores.argmax()
        facts["decision"] = classes[int(code)]
        missed |= facts["decision"] != case.decision
    return Measurement(metric=METRIC, value=float(missed), n=1, unit="cases", subject=incident.name, facts=facts)


def expected_text(case: IncidentCase) -> str:
    """Say in words what the answer has to be."""
    score = f"probability of {case.of}" if case.of else "score"
    said = (
        "" if case.at_least is None else f"{score} at least {case.at_least:g}",
        "" if case.at_most is None else f"{score} at most {case.at_most:g}",
        "" if case.decision is None else f"decision {case.decision}",
    )
    return ", ".join(filter(None, said))


def _about(incident: Incident) -> dict[str, Fact]:
    return {"slice": incident.slice, "reason_of_the_incident": incident.reason, "review": incident.review.isoformat()}
