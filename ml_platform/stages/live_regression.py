"""Live regression: whether a live version breaks what its evidence promised, so that it has to be taken back.

`look_at_live(predictions, labels, promise, loss=, since=)` may be asked at any time and as often as one likes:

- `predictions` are those of the live version since it went live (`since`); others are left out by `version` and time,
- `labels` maps prediction ids to labels in the order in which they came (`Labels.by_prediction` of the label store),
- `promise` is what `promise_of` told of the release, and of the version before,
- `loss` is `bounded_losses(learner, classes, usual=promise.usual_loss)`.

It returns `Regressed` or `Holds`, both with every measurement and the reasons.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stats.promise_excess import promise_excess

if TYPE_CHECKING:
    from ml_platform.core.traffic import Label, Prediction
    from ml_platform.stages.bounded_losses import BoundedLoss
    from ml_platform.stages.live_promise import Promise

Weeks = NDArray[np.float64]
WEEK = dt.timedelta(days=7)
WEEKS_PER_YEAR = 52
MONITORS = 4
# What is allowed, and how far beyond it is bet on. Scores drift with the seasons: what lies half outside is broken.
ERRORS_BEYOND = 0.01
SLOW_ALLOWED, SLOW_BEYOND = 0.01, 0.02
SLOWER = 2.0  # a request counts as slow beyond this many times what one in a hundred took longer than
OUTSIDE_ALLOWED, OUTSIDE_BEYOND = 0.2, 0.3
LOSS_BEYOND = 0.125  # parts of the loss promised: an eighth more is allowed, a quarter more is bet on
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressed:
    """It is proven that the version does worse than promised; the reasons name each measurement."""

    measurements: tuple[Measurement, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Nothing is proven against the version; the reasons name what couldn't be measured."""

    measurements: tuple[Measurement, ...]
    reasons: tuple[str, ...]


def look_at_live(
    predictions: Iterable[Prediction],
    labels: Mapping[str, Label],
    promise: Promise,
    *,
    loss: BoundedLoss,
    version: int,
    since: dt.datetime,
    false_rollbacks_per_year: float = 0.05,
) -> Regressed | Holds:
    """Hold a live version against its promise: errors, latency, sanity of the scores, and outcomes as they come.

    A version that keeps its promise is called regressed at most so often a year on average, all four monitors together
    and however often one looks: each week a new bettor joins in each of them, and an alarm needs what 52 times four
    over that rate such bettors are given. Raises ValueError unless the rate lies above 0 and up to 1.
    """
    if not 0 < false_rollbacks_per_year <= 1:
        message = f"false_rollbacks_per_year: is {false_rollbacks_per_year}; a number above 0 and up to 1 is needed"
        raise ValueError(message)
    unique = {one.id: one for one in predictions if one.version == version and one.at >= since and not one.pair}
    served = sorted(unique.values(), key=lambda one: (one.at, one.id))
    measured = (*_of_requests(served, promise, since), _of_outcomes(unique, labels, promise, loss=loss, since=since))
    limit = math.log(WEEKS_PER_YEAR * MONITORS / false_rollbacks_per_year)
    broken = tuple(_broken(measured, promise, limit))
    if broken:
        return Regressed(measurements=measured, reasons=broken)
    unknown = tuple(f"not known: {one.text()}" for one in measured if one.value is None)
    return Holds(measurements=measured, reasons=unknown)


def _of_requests(served: Sequence[Prediction], promise: Promise, since: dt.datetime) -> Iterator[Measurement]:
    scored = [one for one in served if _is_scored(one)]
    times, weeks = _weeks([one.at for one in served], since), _weeks([one.at for one in scored], since)
    failed = [not one.answered for one in served]
    yield promise_excess(
        failed, times, promised=promise.errors, margin=ERRORS_BEYOND, metric="live_error_excess", unit="share"
    )
    slow, outside = "live_slow_excess", "live_score_excess"
    if promise.slow_seconds is None:
        yield _unknown(slow, len(scored), "too few requests of a version before tell what is usual")
    else:
        late = [one.latency_seconds > SLOWER * promise.slow_seconds for one in scored]
        yield promise_excess(late, weeks, promised=SLOW_ALLOWED, margin=SLOW_BEYOND, metric=slow, unit="share")
    if promise.scores is None:
        yield _unknown(outside, len(scored), "the evidence holds no scores")
    else:
        low, high = promise.scores
        beyond = [one.score is None or not low <= one.score <= high for one in scored]
        yield promise_excess(
            beyond, weeks, promised=OUTSIDE_ALLOWED, margin=OUTSIDE_BEYOND, metric=outside, unit="share"
        )


def _of_outcomes(
    served: Mapping[str, Prediction],
    labels: Mapping[str, Label],
    promise: Promise,
    *,
    loss: BoundedLoss,
    since: dt.datetime,
) -> Measurement:
    """Measure the loss of what was served, in the order in which the outcomes came."""
    metric = "live_loss_excess"
    scored = {key: one for key, one in served.items() if _is_scored(one)}
    known = [label for label in labels.values() if label.prediction_id in scored]
    lost = loss([scored[label.prediction_id] for label in known], [label.label for label in known])
    told = np.isfinite(lost)
    if promise.loss is None:
        return _unknown(metric, len(known), "the evidence holds no mean loss with its upper bound")
    weeks = _weeks([label.at for label in known], since)[told]
    return promise_excess(
        lost[told],
        weeks,
        promised=promise.loss * (1 + LOSS_BEYOND),
        margin=min(promise.loss * LOSS_BEYOND, 1.0),
        metric=metric,
    )


def _broken(measured: Iterable[Measurement], promise: Promise, limit: float) -> Iterator[str]:
    for one in measured:
        evidence, allowed = one.facts.get("evidence"), one.facts.get("promised")
        if one.value is None or not isinstance(evidence, float) or not isinstance(allowed, float) or evidence < limit:
            continue
        seen = f"{_in_words(one.metric, one.value + allowed, promise)}, {_share(one, allowed)} allowed"
        since = f"since week {one.facts['since']} (n = {one.n:,})"
        yield f"{one.metric}: {seen}, {since}, evidence {evidence:.1f}, {limit:.1f} is needed"


def _in_words(metric: str, seen: float, promise: Promise) -> str:
    """Say what was seen of a monitor since the week that told most."""
    match metric:
        case "live_error_excess":
            return f"{seen:.2%} of the requests got no score"
        case "live_slow_excess":
            slow = SLOWER * (promise.slow_seconds or 0.0) * MILLISECONDS
            return f"{seen:.2%} of the answers took longer than {slow:.3g} ms"
        case "live_score_excess":
            return f"{seen:.2%} of the scores lie where few of the holdout's did"
        case _:
            return f"the mean loss is {seen:.4g}"


def _share(one: Measurement, allowed: float) -> str:
    return f"{allowed:.2%}" if one.unit == "share" else f"{allowed:.4g}"


def _is_scored(one: Prediction) -> bool:
    return one.answered and one.score is not None


def _weeks(times: Iterable[dt.datetime], since: dt.datetime) -> Weeks:
    """Return the week of each time, never falling: a clock that was put back doesn't undo what came before."""
    weeks = np.array([max((time - since) // WEEK, 0) for time in times], dtype=np.float64)
    return np.maximum.accumulate(weeks)


def _unknown(metric: str, n: int, reason: str) -> Measurement:
    return Measurement(metric=metric, value=None, n=n, reason=reason)
