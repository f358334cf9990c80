"""Feature dominance: how much of what all features explain only one of them explains."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.entities import entities
from ml_platform.stats.mean_interval import mean_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "feature_dominance"


def feature_dominance(
    losses: ArrayLike,
    losses_without: ArrayLike,
    losses_of_none: ArrayLike,
    *,
    others_at_least: float = 0.17,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the part of all explained log loss that is lost when one feature is taken away, with its interval.

    Each column, shape (n,), holds the log losses of the same held-out rows under a model of all features, of all but
    the one, and of none (the base rate). Explained is 1 - loss / loss of none. The others count as explaining at least
    `others_at_least`, so that one honest feature among weak ones, or alone, doesn't look like an oracle. A leak stands
    out because nothing else can replace it; at 0 or below the others do as well. What is granted to the others and
    the base rate's loss count as known.
    Undefined without rows, with values that aren't finite, and when the base rate has no loss. ValueError when lengths
    differ. Facts: explained, explained_without. Sources: McFadden 1974, Frontiers in Econometrics (explained log
    loss); Lei et al. 2018, J. Am. Stat. Assoc. 113 (leaving one covariate out); Kaufman et al. 2012, ACM TKDD 6.

    >>> feature_dominance([0.1, 0.2, 0.1], [0.5, 0.5, 0.4], [0.6, 0.6, 0.6]).text()
    'feature_dominance = 0.7143 [0.407, 1.022] (n = 3)'
    """
    full, without, none = numbers(losses, "losses"), numbers(losses_without, "losses_without"), losses_of_none
    base = numbers(none, "losses_of_none")
    require_same_length(losses=full, losses_without=without, losses_of_none=base)
    units = entities(entity, full)
    flaw = flaw_of_numbers(losses=full, losses_without=without, losses_of_none=base) or units.flaw
    reason = flaw or ("" if base.mean() > 0 else "the base rate has no loss that features could explain")
    if reason:
        return Measurement(metric=METRIC, value=None, n=full.size, subject=subject, reason=reason)
    scale = float(base.mean())
    explained, explained_without = (1 - float(each.mean()) / scale for each in (full, without))
    granted = max(0.0, others_at_least - explained_without)
    saved = ((without - full) / scale - granted) / max(explained, others_at_least, np.finfo(np.float64).tiny)
    found = mean_of(saved, units, metric=METRIC, confidence=confidence, subject=subject)
    facts = {**found.facts, "explained": explained, "explained_without": explained_without}
    return dataclasses.replace(found, facts=facts)
