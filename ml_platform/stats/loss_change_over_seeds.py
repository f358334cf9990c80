"""Loss change over seeds: how much a model's losses differ from others', were its learner started with another seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import stdev
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.confidence import t_value
from ml_platform.stats.entities import entities
from ml_platform.stats.loss_change import loss_change

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement

_ROUNDING = 1e-9


def loss_change_over_seeds(
    losses: ArrayLike,
    losses_before: ArrayLike,
    *,
    of_seeds: Sequence[float],
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Measurement:
    """Return mean loss / mean loss before - 1, paired by row, with an interval that holds the seed's luck as well.

    `losses` and `losses_before` are of the same rows, shape (n,); `of_seeds` holds the mean losses of two or more
    trainings that differ in their seed only, on whatever rows. The variance between them is added to that between the
    rows, the degrees of freedom are Satterthwaite's. Undefined where the loss change is. ValueError for fewer.
    Facts: those of the loss change, and seed_standard_deviation by the loss before. Sources: Bouthillier et al. 2021,
    Accounting for variance in machine learning benchmarks, MLSys; Satterthwaite 1946, Biometrics Bull. 2.

    >>> loss_change_over_seeds([1.0, 2.0, 1.0], [2.0, 2.0, 2.0], of_seeds=[1.3, 1.4]).text()
    'loss_change_over_seeds = -0.3333 share [-1, 0.3997] (n = 3)'
    """
    if len(of_seeds) < 2:
        message = f"loss change over seeds: {len(of_seeds)} trainings; two or more are needed to see the seed's luck"
        raise ValueError(message)
    found = replace(
        loss_change(losses, losses_before, entity=entity, confidence=confidence), metric="loss_change_over_seeds"
    )
    error, before = found.facts.get("standard_error"), found.facts.get("loss_before")
    if found.value is None or not isinstance(error, float) or not isinstance(before, float):
        return found
    spread = stdev(of_seeds) / before
    rows = (entities(entity, np.zeros(found.n)).count() or found.n) - 1
    variance = error**2 + spread**2
    held = error**4 / rows + spread**4 / (len(of_seeds) - 1)
    half = (
        t_value(confidence, max(1, math.floor(variance**2 / held + _ROUNDING))) * math.sqrt(variance)
        if held > 0
        else 0.0
    )
    return replace(
        found,
        low=max(found.value - half, -1.0),
        high=found.value + half,
        facts={**found.facts, "seed_standard_deviation": spread},
    )
