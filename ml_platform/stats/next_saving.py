"""Next saving: what another doubling of the training rows would save of the loss, if the curve goes on as it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, flaw_of_numbers
from ml_platform.stats.confidence import z_value
from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.influence import unit_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

METRIC = "loss_saved_by_next_doubling"
FEWEST = 4
# By how much each saving may be shrunk from the one before: from nothing left to all of it.
_SHRINKAGES = np.linspace(0.0, 1.0, 101)


def next_saving(
    losses: Sequence[ArrayLike], *, entity: ArrayLike | None = None, confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return the share of the last loss that another doubling would save, with the profile likelihood's interval.

    `losses` holds four or more columns of finite losses of the same rows, each of shape (n,): after training on so
    many rows, on twice as many, and so on. A power law with an irreducible loss shrinks each saving by the same factor,
    at most 1; the factor and the first saving are fitted to all mean losses at once, weighted by their covariance
    over the rows, or over whole entities. Where the curve is rougher than rows explain, because each training is one
    draw, the covariance is enlarged until it fits (Birge 1932). Undefined with fewer columns or two units, without a
    loss, and with values that aren't finite. ValueError when lengths differ. Facts: shrinkage, roughness (the factor
    that enlarged the covariance). Sources: Hestness et al. 2017, Deep learning scaling is predictable, empirically;
    Viering and Loog 2023, The shape of learning curves, IEEE TPAMI 45 (not every curve is one); Venzon and Moolgavkar
    1988, Appl. Stat. 37 (the interval).

    >>> rows = np.array([-0.1, 0.0, 0.1])
    >>> found = next_saving([rows + loss for loss in (0.9, 0.7, 0.6, 0.55)])
    >>> round(found.value, 4), found.facts["shrinkage"]
    (0.0455, 0.5)
    """
    table = np.column_stack([np.asarray(one, dtype=np.float64) for one in losses]) if losses else np.zeros((0, 0))
    units = entities(entity, table[:, 0] if losses else table)
    means = table.mean(axis=0) if table.size else np.zeros(0)
    reason = _flaw(table, units, means)
    if reason:
        return Measurement(metric=METRIC, value=None, n=len(table), unit="share", subject=subject, reason=reason)
    fits = _fits(means, _covariance(table, units))
    value, low, high, facts = _profile(fits, z_value(confidence))
    last = float(means[-1])
    return Measurement(
        metric=METRIC, value=value / last, n=len(table), low=low / last, high=high / last, confidence=confidence,
        unit="share", subject=subject, facts=facts,
    )  # fmt: skip


def _flaw(table: Floats, units: Entities, means: Floats) -> str:
    if table.shape[1] < FEWEST:
        return f"{table.shape[1]} trainings; {FEWEST} are needed to tell how savings shrink"
    flaw = flaw_of_numbers(losses=table.ravel()) or units.flaw
    if flaw or (units.count() or len(table)) < 2:
        return flaw or "one row or entity can't tell how sure the curve is"
    return "" if means[-1] > 0 else "there is no loss left to save"


def _covariance(table: Floats, units: Entities) -> Floats:
    """Return the covariance of the mean losses, with a trifle on the diagonal where columns are equal."""
    pulls = (table - table.mean(axis=0)) / len(table)
    sums = np.column_stack([unit_sums(pull, units) for pull in pulls.T])
    count = units.count() or len(table)
    found: Floats = sums.T @ sums * (count / (count - 1))
    return found + np.eye(table.shape[1]) * max(float(np.trace(found)), float(table.mean()) ** 2) * 1e-12


def _fits(means: Floats, covariance: Floats) -> Floats:
    """Return for each shrinkage the next saving, its variance and the misfit (chi-square), shape (shrinkages, 3)."""
    inverse = np.linalg.inv(covariance)
    found = []
    for shrinkage in _SHRINKAGES.tolist():
        powers = shrinkage ** np.arange(means.size)
        saved = np.concatenate([[0.0], np.cumsum(powers[:-1])])
        design = np.column_stack([np.ones(means.size), -saved])
        spread = np.linalg.inv(design.T @ inverse @ design)
        start = spread @ design.T @ inverse @ means
        rest = means - design @ start
        ahead = float(powers[-1])
        found.append((start[1] * ahead, spread[1, 1] * ahead**2, rest @ inverse @ rest))
    return np.array(found, dtype=np.float64)


def _profile(fits: Floats, z: float) -> tuple[float, float, float, dict[str, float]]:
    """Return the best fit's next saving, and the least and the greatest that fit nearly as well."""
    best = int(fits[:, 2].argmin())
    roughness = max(1.0, float(fits[best, 2]))
    room = z**2 - (fits[:, 2] - fits[best, 2]) / roughness
    near = room >= 0
    reach = np.sqrt(fits[near, 1] * roughness * room[near])
    facts = {"shrinkage": float(_SHRINKAGES[best]), "roughness": roughness}
    value, ahead = float(fits[best, 0]), fits[near, 0]
    return value, float((ahead - reach).min()), float((ahead + reach).max()), facts
