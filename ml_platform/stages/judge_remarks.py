"""Judge remarks: who says what when, whether it agrees with the record, and whether anybody turns outcomes round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stages.feedback_cells import Outcomes, compare_cells, measure_cells, source_name
from ml_platform.stages.outcome_codes import outcome_codes
from ml_platform.stages.sort_remarks import About, Predictions, Sorted
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.core.traffic import Outcome
    from ml_platform.policy.spec import ModelSpec

AGREEMENT = "feedback_agreement"


@dataclass(frozen=True, slots=True)
class Answers:
    """The remarks that say what a prediction should have been told, with their codes, and the record's by prediction.

    `contrary` are the predictions on which answers contradict each other.
    """

    about: Sequence[About]
    codes: Sequence[float]
    record: Mapping[str, float]
    contrary: frozenset[str]


def answers_of(spec: ModelSpec, found: Sorted, truth: Mapping[str, Outcome]) -> Answers:
    """Return the answers among remarks; `truth` are the outcomes that the system of record sent, by prediction."""
    about = [one for one in found.about if one.remark.answer is not None]
    codes = outcome_codes(spec.learner.task, spec.classes, [one.remark.answer for one in about]).tolist()
    known = outcome_codes(spec.learner.task, spec.classes, truth.values()).tolist()
    record = {key: code for key, code in zip(truth, known, strict=True) if not np.isnan(code)}
    said: dict[str, set[float]] = defaultdict(set)
    for one, code in zip(about, codes, strict=True):
        said[one.prediction.id].add(code)
    return Answers(about, codes, record, frozenset(name for name, heard in said.items() if len(heard) > 1))


def measure_remarks(
    spec: ModelSpec, found: Sorted, answers: Answers, predictions: Predictions
) -> Iterator[Measurement]:
    """Measure what came; sources are told by a name that says nobody who they are."""
    total = len(found.about) + len(found.aside)
    yield share(np.arange(total) < len(found.aside), metric="feedback_aside_share")
    remarks = [one.remark for one in answers.about]
    yield share([not one.by for one in remarks], metric="feedback_without_source_share")
    yield share([one.at is None for one in remarks], metric="feedback_without_time_share")
    about = sorted({one.prediction.id for one in answers.about})
    yield share([one in answers.contrary for one in about], metric="feedback_conflict_share")
    yield from _agreement(answers)
    yield from measure_cells(compare_cells(spec, _outcomes(answers, predictions)))


def _agreement(answers: Answers) -> Iterator[Measurement]:
    """Yield for each source how often it says what the record says of the same prediction."""
    agrees: dict[str, list[bool]] = defaultdict(list)
    for one, code in zip(answers.about, answers.codes, strict=True):
        hits = agrees[source_name(one.remark.by)]
        if one.prediction.id in answers.record:
            hits.append(bool(np.isclose(code, answers.record[one.prediction.id], rtol=1e-9, atol=0)))
    if not agrees:
        yield Measurement(metric=AGREEMENT, value=None, n=0, unit="share", reason="nobody said what came true")
    for source, hits in sorted(agrees.items()):
        if hits:
            yield share(hits, metric=AGREEMENT, subject=source)
        else:
            reason = "the record holds none of the outcomes that it told"
            yield Measurement(metric=AGREEMENT, value=None, n=0, unit="share", subject=source, reason=reason)


def _outcomes(answers: Answers, predictions: Predictions) -> Outcomes:
    """Return each source's first answer on each prediction, and the record's."""
    first: dict[tuple[str, str], tuple[About, float]] = {}
    for one, code in zip(answers.about, answers.codes, strict=True):
        first.setdefault((source_name(one.remark.by), one.prediction.id), (one, code))
    known = [(name, code) for name, code in answers.record.items() if _was_scored(predictions, name)]
    return Outcomes(
        predictions=[one.prediction for one, _ in first.values()] + [predictions.by_id[name] for name, _ in known],
        codes=np.array([code for _, code in first.values()] + [code for _, code in known], dtype=np.float64),
        sources=[source for source, _ in first] + [""] * len(known),
    )


def _was_scored(predictions: Predictions, name: str) -> bool:
    return name in predictions.by_id and predictions.by_id[name].score is not None
