"""Say whether the outcomes that came belong to predictions, and whether they agree with each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.records import FeedbackRecord


def judge_labels(
    model: str, *, labels: Mapping[str, float], conflicting: Collection[str], predicted: Collection[str]
) -> Measured[FeedbackRecord]:
    """Measure the labels of a model against the ids of its predictions.

    `labels` maps prediction ids to the first outcome heard, `conflicting` holds the ids with contrary outcomes,
    `predicted` the ids that were ever served. Without labels nothing is defined.
    """
    from ml_platform.stats.share import share

    known = set(predicted)
    ids = sorted(labels)
    unknown = share([one not in known for one in ids], metric="unknown_label_share")
    contrary = share([one in conflicting for one in ids], metric="label_conflict_share")
    record = FeedbackRecord(
        model=model,
        digest=digest_of({"labels": {one: labels[one] for one in ids}, "conflicting": sorted(conflicting)}),
        labels=len(ids),
        joined=sum(one in known for one in ids),
        conflicting=len(conflicting),
    )
    return Measured(record=record, measurements=(unknown, contrary))
