"""Input guard: what the service does with rows that a model can't be trusted on, and what it needs to know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from typing import Literal

GUARD = "guard.json"
GUARD_VERSION = 1

Action = Literal["reject", "flag", "abstain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How strange each part of a feature's values is: minus the logarithm of its share of the training rows.

    `strangeness` is of values below `low`, of the bins from there on, each `width` wide, of values above the last, and
    of missing ones.
    """

    low: float
    width: float
    strangeness: tuple[float, ...]

    @property
    def is_sound(self) -> bool:
        """Whether a value can be looked up in it."""
        known = isfinite(self.low) and isfinite(self.width) and self.width > 0
        return (
            known
            and len(self.strangeness) > len(("below", "above", "missing"))
            and all(map(isfinite, self.strangeness))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """What tells how unlike the training rows a row is: a histogram per feature, by the model's order of features.

    `usual` are the strangeness of calibration rows, ascending: among them a row's strangeness becomes a p-value. Rows
    whose p-value is at most `flagged_share` are flagged. Of rows like the calibration rows that is this share on
    average; with the calibration rows as they happen to be, hardly ever (1 %) more than `at_most`.
    """

    histograms: tuple[Histogram, ...]
    usual: tuple[float, ...]
    flagged_share: float
    at_most: float

    @property
    def is_sound(self) -> bool:
        """Whether rows can be held against it."""
        ascends = all(map(isfinite, self.usual)) and all(one <= other for one, other in pairwise(self.usual))
        return (
            bool(self.histograms)
            and all(one.is_sound for one in self.histograms)
            and bool(self.usual)
            and ascends
            and 0 < self.flagged_share < 1
            and self.flagged_share <= self.at_most < 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InputGuard:
    """What happens to rows that can be read; stored as `guard.json` beside the trees.

    `out_of_contract` is about values outside of declared ranges and levels, `out_of_range` about numbers beyond those
    of the training rows (`ranges`, by column), `unseen_level` about levels that no training row held. What the
    contract says of types and missing values is never up to the guard. Without a `detector` nobody tells how unlike
    the training rows a row is.
    """

    schema_version: int = GUARD_VERSION
    out_of_contract: Action = "reject"
    out_of_range: Action = "flag"
    unseen_level: Action = "flag"
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    detector: Detector | None = None

    @property
    def is_sound(self) -> bool:
        """Whether rows can be held against it."""
        ordered = all(isfinite(low) and isfinite(high) and low <= high for low, high in self.ranges.values())
        return ordered and (self.detector is None or self.detector.is_sound)


# What holds for a model whose file says nothing of a guard.
NO_GUARD = InputGuard()
