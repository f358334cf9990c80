"""Live promise: what a version's evidence, and the version that was live before, let one expect of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.bounded_losses import MOST
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.core.traffic import Prediction
    from ml_platform.policy.spec import Task

Floats = NDArray[np.float64]
FEWEST = 1000  # requests of the version before that tell what is usual
USUAL_ERRORS = 0.01  # where nothing better is known
SLOW_SHARE = 0.01
RANGE = (0.005, 0.995)  # of the holdout's scores, as quantiles
# The metric of the holdout that is a mean loss, and what divides it so that it lies between 0 and 1.
LOSSES: Mapping[Task, tuple[str, float]] = MappingProxyType(
    {
        "binary": ("brier", 1.0),
        "multiclass": ("multiclass_brier", 2.0),
        "regression": ("mean_absolute_error", 0.0),
        "quantile": ("pinball_loss", 0.0),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is expected at most; None where nothing is known.

    `errors` is the share of requests without a score, `slow_seconds` what one request in a hundred takes longer than,
    `scores` the range of 99 of a hundred of the holdout's scores, `loss` the upper bound of the holdout's mean loss in
    terms of `bounded_losses`, `usual_loss` the mean loss that those of numbers are a part of.
    """

    errors: float
    slow_seconds: float | None = None
    scores: tuple[float, float] | None = None
    loss: float | None = None
    usual_loss: float | None = None


def promise_of(
    task: Task, measured: Iterable[Measurement], holdout_scores: Floats, *, before: Iterable[Prediction] = ()
) -> Promise:
    """Return the promise of a release: `measured` on its holdout, whose `holdout_scores` are those that are served.

    Of several classes these are the largest probabilities. `before` are requests of the version that was live until
    then; with fewer than a thousand of them nothing is known of latency.
    """
    earlier = list(before)
    loss, usual = _loss(task, measured)
    finite = holdout_scores[np.isfinite(holdout_scores)]
    low, high = np.quantile(finite, RANGE) if finite.size else (0.0, 0.0)
    return Promise(
        errors=_errors(earlier),
        slow_seconds=_slow(earlier),
        scores=(float(low), float(high)) if finite.size else None,
        loss=loss,
        usual_loss=usual,
    )


def _loss(task: Task, measured: Iterable[Measurement]) -> tuple[float | None, float | None]:
    metric, whole = LOSSES[task]
    found = next((one for one in measured if one.metric == metric and not one.subject), None)
    if found is None or found.value is None or found.high is None or not found.value > 0:
        return None, None
    return found.high / (whole or MOST * found.value), found.value


def _errors(earlier: Sequence[Prediction]) -> float:
    """Return the upper bound of the share of failed requests of the version before, at least a hundredth."""
    if len(earlier) < FEWEST:
        return USUAL_ERRORS
    found = share([not one.answered for one in earlier])
    return max(found.high or USUAL_ERRORS, USUAL_ERRORS)


def _slow(earlier: Sequence[Prediction]) -> float | None:
    if len(earlier) < FEWEST:
        return None
    return float(np.quantile([one.latency_seconds for one in earlier], 1 - SLOW_SHARE))
