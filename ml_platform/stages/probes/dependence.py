"""Dependence: how the score moves with one feature, on average and row by row, all others left as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Dependence, DependencePoint
from ml_platform.learners.tree_text import tree_count
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stages.shown_values import ShownValues
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.stages.probes.contributed import Contributed
    from ml_platform.stages.probes.subject import Subject

FEATURES = 6
# Scoring's time grows with rows × trees: about a second of one core.
ROW_TREES = 300_000
FEWEST_ROWS, MOST_ROWS = 50, 300
POINTS, MOST_LEVELS = 12, 10
EDGE = 0.02  # of the rows on each side, whose values are too far out to be drawn
SPREAD = (0.1, 0.9)
# Scores that differ by less differ by rounding only.
ROUNDING = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """A feature's grid, the holdout rows at each of its points, and the scores (n, points) of rows moved there."""

    feature: str
    of: str
    grid: Floats
    counts: tuple[int, ...]
    ranks: Floats
    scores: Floats
    rows: ScoredPart

    @property
    def subject(self) -> str:
        return f"{self.feature}, probability of {self.of}" if self.of else self.feature

    @property
    def centred(self) -> Floats:
        """Return the scores as distances from each row's own mean: what the feature does, whatever the row's level."""
        found: Floats = self.scores - self.scores.mean(axis=1, keepdims=True)
        return found


def measure_dependence(
    subject: Subject, known: Contributed, shown: ShownValues
) -> tuple[tuple[Measurement, ...], tuple[Dependence, ...]]:
    """Measure and draw the six strongest features and those with a declared direction, on 50 to 300 holdout rows.

    A feature is set to each of up to twelve of its values, equally many holdout rows apart, or to its ten commonest
    levels. Sources: Friedman 2001, Greedy function approximation, Annals of Statistics 29 (the average curve);
    Goldstein, Kapelner, Bleich and Pitkin 2015, Peeking inside the black box, JCGS 24 (a curve for each row).
    """
    most = int(np.clip(ROW_TREES // tree_count(subject.holdout.model_text), FEWEST_ROWS, MOST_ROWS))
    rows, measured, drawn = subject.holdout.spread(most), list[Measurement](), list[Dependence]()
    for feature, of in _asked(subject, known):
        moved = _moved(subject, rows, feature, of)
        if moved is None:
            continue
        ordered = feature not in rows.matrix.categorical  # levels without an order have no way to go
        against = _against(moved) if ordered else None
        measured += [_range(moved), *([against] if against else [])]
        drawn.append(_drawn(subject, moved, against, shown))
    return tuple(measured), tuple(drawn)


def _asked(subject: Subject, known: Contributed) -> Iterator[tuple[str, str | None]]:
    """Yield the features to move, each with the class that is meant, None for the one that it moves most."""
    names = subject.holdout.matrix.names
    strongest = [names[place] for place in known.strongest[:FEATURES]]
    yield from ((name, None) for name in strongest)
    declared = subject.spec.expectations.directional if subject.spec.expectations else ()
    met: set[tuple[str, str | None]] = {(name, None) for name in strongest}
    for one in declared:
        wanted = (one.column, one.of)
        if one.column in names and wanted not in met:
            met.add(wanted)
            yield wanted


def _moved(subject: Subject, rows: ScoredPart, feature: str, of: str | None) -> _Moved | None:
    """Score the rows with the feature at each point of its grid; None when it has no two values."""
    column = subject.holdout.matrix.column(feature)
    known = column[~np.isnan(column)]
    grid = _levels(known) if feature in rows.matrix.categorical else _quantiles(known)
    if grid.size < 2:
        return None
    place = rows.matrix.names.index(feature)
    values = np.tile(rows.matrix.values, (grid.size, 1))
    values[:, place] = np.repeat(grid, len(rows.score))
    scores = rows.score_again(values)
    found: Floats = np.moveaxis(scores.reshape(grid.size, len(rows.score), -1), 0, 1)
    code = _class_meant(subject, found, of)
    return _Moved(
        feature=feature,
        of=subject.spec.classes[code] if found.shape[2] > 1 else "",
        grid=grid,
        counts=_counts(known, grid, exact=feature in rows.matrix.categorical),
        ranks=np.array([(known <= value).mean() for value in grid]),
        scores=found[:, :, code],
        rows=rows,
    )


def _class_meant(subject: Subject, found: Floats, of: str | None) -> int:
    if of is not None and of in subject.spec.classes:
        return subject.spec.classes.index(of) if found.shape[2] > 1 else 0
    return int(np.ptp(found.mean(axis=0), axis=0).argmax())


def _quantiles(known: Floats) -> Floats:
    """Return up to twelve values that rows have, equally many rows apart; all of them where there are no more."""
    different = np.unique(known)
    if different.size <= POINTS:
        return different
    return np.unique(np.quantile(known, np.linspace(EDGE, 1 - EDGE, POINTS), method="inverted_cdf"))


def _levels(known: Floats) -> Floats:
    """Return the commonest levels, in their order."""
    levels, counts = np.unique(known, return_counts=True)
    return np.sort(levels[np.argsort(-counts, kind="stable")[:MOST_LEVELS]])


def _counts(known: Floats, grid: Floats, *, exact: bool) -> tuple[int, ...]:
    """Return how many rows are at each level, or nearest to each value."""
    if exact:
        return tuple(int((known == value).sum()) for value in grid)
    nearest = np.searchsorted((grid[1:] + grid[:-1]) / 2, known, side="left")
    return tuple(np.bincount(nearest, minlength=grid.size).tolist())


def _range(moved: _Moved) -> Measurement:
    """Measure how far the average score is between the feature's lowest and its highest point."""
    average = moved.scores.mean(axis=0)
    distance = moved.scores[:, average.argmax()] - moved.scores[:, average.argmin()]
    return mean_interval(distance, entity=moved.rows.entity, metric="partial_dependence", subject=moved.subject)


def _against(moved: _Moved) -> Measurement:
    """Measure the share of rows, of those that move at all, that move against the average."""
    own = moved.centred
    moves = np.ptp(own, axis=1) > ROUNDING
    metric = "against_average_share"
    if not moves.any():
        reason = "no row's score moves with it"
        return Measurement(metric=metric, value=None, n=0, unit="share", subject=moved.subject, reason=reason)
    along = (own * own.mean(axis=0)).sum(axis=1)
    entity = moved.rows.entity
    return share(
        (along < 0)[moves], entity=None if entity is None else entity[moves], metric=metric, subject=moved.subject
    )


def _drawn(subject: Subject, moved: _Moved, against: Measurement | None, shown: ShownValues) -> Dependence:
    return Dependence(
        feature=moved.feature,
        of=moved.of,
        against=against.value if against else None,
        rows=len(moved.scores),
        points=tuple(_point(subject, moved, at, shown) for at in range(moved.grid.size)),
    )


def _point(subject: Subject, moved: _Moved, at: int, shown: ShownValues) -> DependencePoint:
    level, own = float(moved.scores.mean()), moved.centred[:, at]
    least, most = (0.0, 1.0) if subject.spec.learner.task in {"binary", "multiclass"} else (-np.inf, np.inf)
    mean, (low, high) = mean_interval(own, entity=moved.rows.entity), np.quantile(own, SPREAD)
    is_level = moved.feature in moved.rows.matrix.categorical
    names = subject.levels.get(moved.feature, ())
    return DependencePoint(
        at=None if is_level or moved.feature in shown.hidden else float(moved.grid[at]),
        level=_level(names, int(moved.grid[at])) if is_level else "",
        rank=float(moved.ranks[at]),
        score=level + (mean.value or 0.0),
        low=None if mean.low is None else max(level + mean.low, least),
        high=None if mean.high is None else min(level + mean.high, most),
        rows_low=max(level + float(low), least),
        rows_high=min(level + float(high), most),
        n=moved.counts[at],
    )


def _level(levels: Sequence[str], code: int) -> str:
    return levels[code] if code < len(levels) else f"level {code + 1}"
