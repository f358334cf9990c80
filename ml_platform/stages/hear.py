"""Hear what people said: sort it, measure it, and keep what may be learned from, by the gates on it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.stages.accept_feedback import FILE, KIND, Accepted, accept_feedback
from ml_platform.stages.feedback_cells import FEWEST, source_name
from ml_platform.stages.judge_remarks import answers_of, measure_remarks
from ml_platform.stages.sort_remarks import Sorted, known_predictions, sort_remarks

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeedbackRecord
    from ml_platform.core.remark import Remark
    from ml_platform.core.traffic import Outcome, Prediction
    from ml_platform.policy.resolve import Policy
    from ml_platform.policy.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Heard:
    """What people said: sorted, measured, and what of it was accepted; by source, how many outcomes it told."""

    sorted: Sorted
    measurements: tuple[Measurement, ...]
    accepted: Accepted
    told: Mapping[str, int]

    @property
    def is_told(self) -> bool:
        """Say whether anybody told an outcome."""
        return bool(self.told)

    @property
    def is_much(self) -> bool:
        """Say whether a source told so many outcomes that they can be compared."""
        return max(self.told.values(), default=0) >= FEWEST


def hear(
    spec: ModelSpec,
    policy: Policy,
    *,
    remarks: Sequence[Remark],
    truth: Mapping[str, Outcome],
    predictions: Sequence[Prediction],
) -> Heard:
    """Return what people said of predictions; `truth` holds the record's outcomes by prediction."""
    known = known_predictions(predictions)
    found = sort_remarks(spec, remarks, known)
    answers = answers_of(spec, found, truth)
    measured = tuple(measure_remarks(spec, found, answers, known)) if remarks else ()
    told = Counter(source_name(one.remark.by) for one in answers.about)
    return Heard(found, measured, accept_feedback(policy, answers, measured), told)


def keep_accepted(store: ArtefactStore, accepted: Accepted) -> str:
    """Keep the accepted labels under their digest and return it; "" when there are none."""
    if not accepted.labels:
        return ""
    if not store.has(KIND, accepted.digest):
        store.put(KIND, accepted.digest, {FILE: msgspec.json.encode(accepted)})
    return accepted.digest


def with_remarks(measured: Measured[FeedbackRecord], heard: Heard, accepted_digest: str) -> Measured[FeedbackRecord]:
    """Return a measured record of labels with what people said beside it."""
    record = measured.record
    remarks = len(heard.sorted.about) + len(heard.sorted.aside)
    if remarks:
        record = dataclasses.replace(
            record,
            digest=digest_of({"labels": record.digest, "remarks": _identities(heard.sorted)}),
            remarks=remarks,
            accepted=len(heard.accepted.labels),
            accepted_digest=accepted_digest,
        )
    return Measured(record=record, measurements=(*measured.measurements, *heard.measurements))


def _identities(found: Sorted) -> list[str]:
    return sorted([one.remark.identity for one in found.about] + [one.identity for one, _ in found.aside])
