"""Say whether the outcomes that came belong to predictions, and whether they agree with each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.records import FeedbackRecord
from ml_platform.stages.outcome_codes import outcome_codes

if TYPE_CHECKING:
    from ml_platform.core.traffic import Outcome
    from ml_platform.policy.spec import ModelSpec


def judge_labels(
    spec: ModelSpec, *, labels: Mapping[str, Outcome], conflicting: Collection[str], predicted: Collection[str]
) -> Measured[FeedbackRecord]:
    """Measure the labels of a model against the ids of its predictions and against what its target can be.

    `labels` maps prediction ids to the first outcome heard, `conflicting` holds the ids with contrary outcomes,
    `predicted` the ids that were ever served. Without labels nothing is defined.
    """
    import numpy as np

    from ml_platform.stats.share import share

    known = set(predicted)
    ids = sorted(labels)
    unknown = share([one not in known for one in ids], metric="unknown_label_share")
    contrary = share([one in conflicting for one in ids], metric="label_conflict_share")
    codes = outcome_codes(spec.learner.task, spec.classes, [labels[one] for one in ids])
    strange = share(np.isnan(codes), metric="impossible_label_share")
    record = FeedbackRecord(
        model=spec.model,
        digest=digest_of({"labels": {one: labels[one] for one in ids}, "conflicting": sorted(conflicting)}),
        labels=len(ids),
        joined=sum(one in known for one in ids),
        conflicting=len(conflicting),
    )
    return Measured(record=record, measurements=(unknown, contrary, strange))
