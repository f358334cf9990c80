"""Compare: a challenger against a champion on the same rows, in one call without Dagster."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.evaluation import arguments
from ml_platform.stages.evaluation.comparison import Comparison
from ml_platform.stages.evaluation.paired import METRICS, Pair

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Fact, Measurement

CALL = "compare"
POWER = 0.8
NORMAL = NormalDist()


def compare(
    y_true: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    metric: str,
    margin: float,
    entity: ArrayLike | None = None,
    seed: int = 0,
    threshold: float = 0.5,
    quantile: float = 0.5,
    confidence: float = 0.95,
) -> Comparison:
    """Return how much better the challenger is by a metric, paired by row, with interval, p-values and power.

    `y_true` and the predictions are as for `evaluate`; the metric's name says which are needed. `margin` >= 0, in the
    metric's unit, is how much worse counts as no worse. ROC AUC is compared by DeLong, shares of right decisions by
    McNemar, mean losses by Student's paired interval, everything else by a paired bootstrap (`seed`); with `entity`
    whole entities are the independent units. DataInvalid for what has no right shape or isn't known.
    """
    arguments.known(CALL, "metric", metric, METRICS)
    arguments.not_negative(CALL, "margin", margin)
    for name, value in (("confidence", confidence), ("threshold", threshold), ("quantile", quantile)):
        arguments.share(CALL, name, value)
    true = arguments.outcomes(CALL, y_true)
    classes = METRICS[metric].takes == "classes"
    a, b = (
        arguments.predictions(CALL, role, values, true.size, classes=classes)
        for role, values in (("challenger", challenger), ("champion", champion))
    )
    if a.shape != b.shape:
        raise DataInvalid(f"{CALL}: champion has the shape {b.shape}, challenger {a.shape}; the same is needed")
    pair = Pair(
        true=true, a=a, b=b, entity=arguments.one_per_row(CALL, "entity", entity, true.size), seed=seed,
        threshold=threshold, quantile=quantile, confidence=confidence,
    )  # fmt: skip
    return _compared(metric, METRICS[metric].gain(pair), float(margin), confidence)


def _compared(metric: str, gain: Measurement, margin: float, confidence: float) -> Comparison:
    name = "roc_auc_difference" if metric == "roc_auc" else f"{metric}_gain"
    told = dataclasses.replace(gain, metric=name, facts={**gain.facts, "margin": margin})
    error, freedom = gain.facts.get("standard_error"), gain.facts.get("freedom")
    if gain.value is None or gain.low is None or not isinstance(error, float) or not error > 0:
        nothing = dict.fromkeys(("p_value", "p_value_worse", "power", "smallest_detectable"))
        return Comparison(metric=metric, measurement=told, margin=margin, **nothing)
    below = _below(freedom)
    edge = below.quantile((1 + confidence) / 2)
    p_value = gain.facts.get("p_value")
    return Comparison(
        metric=metric,
        measurement=told,
        margin=margin,
        p_value=float(p_value) if isinstance(p_value, float) else 2 * below(-abs(gain.value) / error),
        p_value_worse=below(-(gain.value + margin) / error),
        power=below(margin / error - edge),
        smallest_detectable=smallest_detectable(gain, confidence),
    )


def smallest_detectable(gain: Measurement, confidence: float) -> float | None:
    """Return the gain that as many rows would prove with a power of 80 %; None of one without a standard error."""
    error = gain.facts.get("standard_error")
    if not isinstance(error, float) or not error > 0:
        return None
    below = _below(gain.facts.get("freedom"))
    return (below.quantile((1 + confidence) / 2) + below.quantile(POWER)) * error


def _below(freedom: Fact) -> _Below:
    return _Below(freedom if isinstance(freedom, int) else math.inf)


@dataclass(frozen=True, slots=True)
class _Below:
    """The distribution of a gain over its standard error: Student's t, or the normal with endless freedom."""

    freedom: float

    def __call__(self, value: float) -> float:
        from scipy.special import stdtr

        return NORMAL.cdf(value) if math.isinf(self.freedom) else float(stdtr(self.freedom, value))

    def quantile(self, share: float) -> float:
        from scipy.special import stdtrit

        return NORMAL.inv_cdf(share) if math.isinf(self.freedom) else float(stdtrit(self.freedom, share))
