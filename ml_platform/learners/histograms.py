"""Histograms: how unlike the training rows a row is, feature by feature, and how usual that is (HBOS, conformal).

A row's strangeness is the sum over its features of minus the logarithm of the share of training rows in its bin
(Goldstein and Dengel 2012, Histogram-based outlier score, KI: equal bins, independent features). Among the strangeness
of calibration rows, which the histograms don't know, it becomes a conformal p-value: of rows like those at most a
share *a* has a p-value of at most *a*, whatever their distribution (Laxhammar and Falkman 2011, Sequential conformal
anomaly detection, FUSION; Bates, Candès, Lei, Romano and Sesia 2023, Testing for outliers with conformal p-values,
Annals of Statistics).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.input_guard import Detector, Histogram

Floats = NDArray[np.float64]

MOST_BINS = 50
# Bins are as wide as these rows tell, so that a wild value doesn't widen them, and go on for so many bins beyond.
MIDDLE, REACH = (0.001, 0.999), 200
# What is larger still is as good as infinite, so that nothing that is computed of the others becomes so.
LARGEST = 1e300
# A histogram's parts that are no bins: below, above and missing.
NOT_BINS = 3
MOST_USUAL = 4_999
DECIMALS = 6
# How surely no more than `at_most` is flagged, over the luck of the calibration rows.
SURE = 0.99


def fit_detector(
    train: Floats, calibration: Floats, *, categorical: NDArray[np.bool_], flagged_share: float
) -> Detector:
    """Learn histograms of the columns of `train`, shape (n, k), and what is usual among the rows of `calibration`.

    `categorical`, shape (k,), marks columns that hold codes of levels, each a bin of its own. Of many calibration rows
    some are taken, evenly. Raises DataInvalid when they are too few to flag any row, or when there is no training row.
    """
    rows = calibration[_evenly(len(calibration))]
    if not len(train) or _allowed(len(rows), flagged_share) < 1:
        needed = math.ceil(1 / flagged_share) - 1
        message = (
            f"guard.flagged_share is {flagged_share:g}, with {len(train):,} training rows and {len(rows):,} "
            f"calibration rows; at least 1 and {needed:,} are needed to tell which rows are so rare; enlarge the "
            "split's part, or say out_of_distribution: ignore"
        )
        raise DataInvalid(message)
    histograms = tuple(
        _histogram(train[:, place], coded=bool(coded)) for place, coded in enumerate(categorical)
    )  # fmt: skip
    usual = np.sort(Strangeness(histograms).of(rows))
    return Detector(
        histograms=histograms,
        usual=tuple(usual.tolist()),
        flagged_share=flagged_share,
        at_most=_at_most(len(rows), flagged_share),
    )


class Strangeness:
    """Histograms as arrays, so that many rows are looked up at once.

    >>> coin = Histogram(low=-0.5, width=1.0, strangeness=(9.0, 0.5, 1.5, 9.0, 4.0))
    >>> Strangeness((coin,)).of(np.array([[0.0], [1.0], [-3.0], [np.inf], [np.nan]])).tolist()
    [0.5, 1.5, 9.0, 9.0, 4.0]
    """

    def __init__(self, histograms: Sequence[Histogram]) -> None:
        sizes = np.array([len(one.strangeness) for one in histograms], dtype=np.int64)
        self._low = np.array([one.low for one in histograms])
        self._width = np.array([one.width for one in histograms])
        self._bins = sizes - NOT_BINS
        self._below = np.cumsum(sizes) - sizes
        self._missing = np.cumsum(sizes) - 1
        self._all = np.concatenate([one.strangeness for one in histograms])

    def of(self, rows: Floats) -> Floats:
        """Return how strange each row of shape (n, k) is, shape (n,)."""
        missing = np.isnan(rows)
        at = _places(np.where(missing, self._low, rows), self._low, self._width)
        places = self._below + 1 + np.clip(at, -1, self._bins).astype(np.int64)
        found: Floats = np.round(self._all[np.where(missing, self._missing, places)].sum(axis=1), DECIMALS)
        return found


class PValues:
    """What a detector says of rows; safe for threads.

    >>> coin = Histogram(low=-0.5, width=1.0, strangeness=(9.0, 0.5, 1.5, 9.0, 4.0))
    >>> four = Detector(histograms=(coin,), usual=(0.5, 0.5, 0.5, 1.5), flagged_share=0.2, at_most=0.7)
    >>> PValues(four).of(np.array([[0.0], [1.0], [7.0]])).tolist()
    [1.0, 0.4, 0.2]
    """

    def __init__(self, detector: Detector) -> None:
        self._strangeness = Strangeness(detector.histograms)
        self._usual = np.array(detector.usual)

    def of(self, rows: Floats) -> Floats:
        """Return each row's conformal p-value, shape (n,): the share of usual rows as strange, itself among them."""
        stranger = self._usual.size - np.searchsorted(self._usual, self._strangeness.of(rows), side="left")
        found: Floats = (stranger + 1) / (self._usual.size + 1)
        return found


def _evenly(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_USUAL)).astype(np.int64)) if count else np.zeros(0, int)


def _histogram(values: Floats, *, coded: bool) -> Histogram:
    present = values[np.abs(values) <= LARGEST]
    low, width, bins = _bins(present, coded=coded)
    at = np.clip(_places(present, low, width), -1, bins).astype(np.int64) + 1
    counts = np.bincount(at, minlength=bins + 2).astype(np.float64)
    counts[0] += np.count_nonzero(values < -LARGEST)
    counts[-1] += np.count_nonzero(values > LARGEST)
    every = np.append(counts, np.count_nonzero(np.isnan(values))) + 1  # no part is impossible for not having been seen
    strange = np.round(-np.log(every / every.sum()), DECIMALS)
    return Histogram(low=low, width=width, strangeness=tuple(strange.tolist()))


def _places(values: Floats, low: float | Floats, width: float | Floats) -> Floats:
    with np.errstate(over="ignore"):  # infinitely far is beyond
        found: Floats = np.floor(values / width - low / width)
    return found


def _bins(present: Floats, *, coded: bool) -> tuple[float, float, int]:
    """Return where the bins begin, how wide each is, and how many there are: up to the ends of the values, or REACH."""
    if not present.size:
        return 0.0, 1.0, 1
    if coded:
        return -0.5, 1.0, int(present.max()) + 1
    least, greatest = float(present.min()), float(present.max())
    inner, outer = (float(end) for end in np.quantile(present, MIDDLE, method="inverted_cdf"))
    bins = max(1, min(MOST_BINS, math.isqrt(present.size)))
    width = (outer / bins - inner / bins) or (greatest / bins - least / bins)
    if not least + width > least:  # one value, as far as such a number can tell
        width = max(1.0, abs(least))
        return least - width / 2, width, 1
    low, high = max(least, inner - REACH * width), min(greatest, outer + REACH * width)
    return low, width, math.floor(high / width - low / width) + 1


def _allowed(count: int, flagged_share: float) -> int:
    """Return the largest rank among so many usual rows and one more whose p-value is at most the share."""
    rank = math.floor(flagged_share * (count + 1)) + 1
    return rank if rank / (count + 1) <= flagged_share else rank - 1


def _at_most(count: int, flagged_share: float) -> float:
    """Return the share of rows like `count` calibration rows that is flagged at most, but for 1 % of such rows' luck.

    With *k* of them allowed, the share flagged is distributed as Beta(k, count + 1 - k), or less for ties (Vovk 2012,
    Conditional validity of inductive conformal predictors, ACML).
    """
    from scipy.special import betaincinv

    allowed = _allowed(count, flagged_share)
    known = float(betaincinv(allowed, count + 1 - allowed, SURE))
    unit: float = 10.0**-DECIMALS
    return max(round(math.ceil(known / unit) * unit, DECIMALS), flagged_share)
