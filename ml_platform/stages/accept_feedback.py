"""Accept feedback: which answers are good enough to be learned from, how far each is trusted, and why others aren't."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.core.measurement import Measurement
from ml_platform.core.traffic import InputValue, Outcome
from ml_platform.core.verdict import Outcome as Said
from ml_platform.policy.judge import outcome_of
from ml_platform.policy.resolve import Policy
from ml_platform.stages.feedback_cells import EVERYBODY, FLIPPED, OVERALL, SHIFTED, source_name
from ml_platform.stages.judge_remarks import AGREEMENT

if TYPE_CHECKING:
    from ml_platform.stages.judge_remarks import Answers
    from ml_platform.stages.sort_remarks import About

KIND = "accepted_feedback"
FILE = "labels.json"
NOBODY = "who said it isn't known"
NEVER = "when it was known isn't said"
CONTRARY = "others say otherwise"
RECORDED = "the record has an outcome already"
UNPROVEN = "its source isn't proven to agree with the record"
UNTOLD = "too few outcomes to tell whether its source turns them round"
STRANGE = "outcomes of its source, or of all sources, look turned round"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedLabel:
    """A label that may be learned from: of which prediction, whose remark, and the share of its source's that are true.

    `weight` is the lower bound of that share, `remark` the remark's identity, `known_at` when the outcome was known;
    `inputs` and `event_time` are the prediction's.
    """

    prediction_id: str
    label: Outcome
    source: str
    remark: str
    weight: float
    known_at: dt.datetime
    event_time: dt.datetime
    inputs: Mapping[str, InputValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The accepted labels by prediction, and how many answers were left out for which reason."""

    labels: tuple[AcceptedLabel, ...]
    left_out: Mapping[str, int]

    @property
    def digest(self) -> str:
        """Return the digest of the labels."""
        return digest_of(list(self.labels))


def accept_feedback(policy: Policy, answers: Answers, measured: Sequence[Measurement]) -> Accepted:
    """Return the answers whose source passes every gate on it; what is undecided isn't accepted.

    Each prediction counts once, the record before anybody.
    """
    judged = _Judged(policy, measured)
    reasons = {
        source: judged.reason(source) for source in sorted({source_name(one.remark.by) for one in answers.about})
    }
    labels: dict[str, AcceptedLabel] = {}
    left_out: Counter[str] = Counter()
    for one in answers.about:
        source = source_name(one.remark.by)
        reason = _reason(one, answers) or reasons[source]
        if reason:
            left_out[reason] += 1
        elif one.prediction.id not in labels and one.remark.answer is not None and one.remark.at is not None:
            labels[one.prediction.id] = AcceptedLabel(
                prediction_id=one.prediction.id, label=one.remark.answer, source=source, remark=one.remark.identity,
                weight=judged.weight(source), known_at=one.remark.at, event_time=one.prediction.event_time,
                inputs=one.prediction.inputs,
            )  # fmt: skip
    ordered = tuple(labels[name] for name in sorted(labels))
    return Accepted(labels=ordered, left_out=dict(sorted(left_out.items())))


def _reason(one: About, answers: Answers) -> str:
    if not one.remark.by:
        return NOBODY
    if one.remark.at is None:
        return NEVER
    if one.prediction.id in answers.contrary:
        return CONTRARY
    return RECORDED if one.prediction.id in answers.record else ""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the gates of the stage say of each source."""

    policy: Policy
    measured: Sequence[Measurement]

    def reason(self, source: str) -> str:
        """Return why a source's answers aren't used; empty when they may be."""
        if not self._pass(AGREEMENT, {source}):
            return UNPROVEN
        if not self._pass(OVERALL, {source}):
            return UNTOLD
        slices = [one for one in self.measured if one.metric in {FLIPPED, SHIFTED} and one.value is not None]
        theirs = [one for one in slices if one.subject.startswith((f"{source}, ", f"{EVERYBODY}, "))]
        return "" if theirs and all(self._is_good(one) for one in theirs) else STRANGE

    def weight(self, source: str) -> float:
        """Return the lower bound of a source's agreement with the record."""
        (found,) = (one for one in self.measured if one.metric == AGREEMENT and one.subject == source)
        return found.low or 0.0

    def _pass(self, metric: str, subjects: set[str]) -> bool:
        found = [one for one in self.measured if one.metric == metric and one.subject in subjects]
        return bool(found) and all(self._is_good(one) for one in found)

    def _is_good(self, one: Measurement) -> bool:
        said = list(self._of_gates(one))
        return bool(said) and all(outcome is Said.PASSED for outcome in said)

    def _of_gates(self, one: Measurement) -> Iterator[Said]:
        for gate in self.policy.gates_of("feedback").values():
            if gate.metric == one.metric:
                yield outcome_of(gate, one)
