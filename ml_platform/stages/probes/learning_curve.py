"""Learning curve: what the learner makes of fewer training rows, and whether more would help."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import CurvePoint, LearningCurve
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.probes.refit import refit, taught
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.next_saving import METRIC as NEXT
from ml_platform.stats.next_saving import next_saving

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml_platform.stages.probes.subject import Subject

    Floats = NDArray[np.float64]

SHARES = (0.125, 0.25, 0.5)
METRIC = "loss_saved_by_last_doubling"


@dataclasses.dataclass(frozen=True, slots=True)
class Curved:
    """The measurements with the curve to draw; no curve when an eighth of the rows can't be learned from."""

    measurements: tuple[Measurement, Measurement]
    curve: LearningCurve | None


def learning_curve(subject: Subject, whole: Floats) -> Curved:
    """Measure what the last doubling of the training rows saved of the loss, and draw the loss by their number.

    `whole` are the losses of the holdout rows, shape (n,), after training on all rows that a refit takes. What another
    doubling would save is measured beside it, by `next_saving`.
    """
    entity = subject.holdout.entity
    try:
        losses = [losses_of(subject.spec, refit(subject, taught(subject, share))) for share in SHARES]
    except DataInvalid as error:
        last, ahead = (
            Measurement(metric=metric, value=None, n=whole.size, unit="share", reason=str(error))
            for metric in (METRIC, NEXT)
        )
        return Curved((last, ahead), None)
    rows = [*(taught(subject, share).target.size for share in SHARES), taught(subject).target.size]
    means = [mean_interval(one, entity=entity) for one in (*losses, whole)]
    change = loss_change(whole, losses[-1], entity=entity)
    ahead = next_saving((*losses, whole), entity=entity)
    measurement = dataclasses.replace(
        change, metric=METRIC, value=_minus(change.value), low=_minus(change.high), high=_minus(change.low),
        facts={**change.facts, "rows": rows[-1]},
    )  # fmt: skip
    points = tuple(
        CurvePoint(rows=count, loss=mean.value, low=mean.low, high=mean.high)
        for count, mean in zip(rows, means, strict=True)
        if mean.value is not None
    )
    curve = LearningCurve(points=points, next_doubling_would_save=ahead.value, next_low=ahead.low, next_high=ahead.high)
    return Curved((measurement, ahead), curve)


def _minus(value: float | None) -> float | None:
    return None if value is None else -value
