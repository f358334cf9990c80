"""Feedback cells: what each source says in each slice against what others and the model say there.

Honest outcomes follow the model's calibrated probabilities as well in one source's rows as in others'. Outcomes that
were turned round don't, wherever they are: in one slice, or by one source.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.traffic import Prediction
from ml_platform.stats.confidence import z_value
from ml_platform.stats.flip_evidence import flip_evidence
from ml_platform.stats.ratio_contrast import Contrast, ratio_contrast
from ml_platform.stats.simultaneous import holm

if TYPE_CHECKING:
    from ml_platform.core.traffic import InputValue
    from ml_platform.policy.spec import ModelSpec

EVERYWHERE = "everywhere"
EVERYBODY = "all sources"
FEWEST = 100
MOST_LEVELS = 20
QUARTERS = (0.25, 0.5, 0.75)
SHOWN = 20
CONFIDENCE = 0.98  # of both sides: one in a hundred on each
POWER = 0.9
FLIPPED, SHIFTED, OVERALL = "feedback_slice_flipped_share", "feedback_slice_shift", "feedback_flipped_share"

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Outcomes of predictions, shape (n,): each with its prediction and code, and who says so; empty: the record."""

    predictions: Sequence[Prediction]
    codes: Floats
    sources: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cell:
    """Where outcomes were looked at, and what that showed; the p-value counts every cell and test (Holm)."""

    source: str
    slice: str
    metric: str
    contrast: Contrast
    p_value: float
    against: str


def source_name(by: str) -> str:
    """Return a name for who said something, by which nobody learns who it is.

    >>> source_name("kim"), source_name("")
    ('source 26ae784d', 'an unknown source')
    """
    return f"source {hashlib.sha256(by.encode()).hexdigest()[:8]}" if by else "an unknown source"


def compare_cells(spec: ModelSpec, outcomes: Outcomes) -> tuple[Cell, ...]:
    """Return every source in every slice with 100 outcomes or more, and all sources together, the strangest first.

    A cell is compared with the record's and other sources' outcomes of the same slice, where there are 100 of them,
    else with all other outcomes. Source of the p-values: Holm 1979, Scand. J. Stat. 6.
    """
    sources = np.array(outcomes.sources, dtype=object)
    slices = dict(_slices(spec, outcomes.predictions))
    tests = _tests(spec, outcomes)
    found: list[tuple[str, str, str, Contrast, float, str]] = []
    said = sources != ""
    each = sorted({one for one in outcomes.sources if one})
    for source in [EVERYBODY, *each] if len(each) > 1 else each:
        theirs = said if source == EVERYBODY else sources == source
        for name, rows in slices.items():
            inside = theirs & rows
            if int(inside.sum()) < FEWEST:
                continue
            outside, against = _rest(theirs, rows)
            for metric, numerator, denominator, two_sided in tests:
                contrast = ratio_contrast(numerator, denominator, inside, outside)
                if contrast is not None:
                    p = contrast.p_value(two_sided=two_sided)
                    found.append((source, name, metric, contrast, p, against))
    adjusted = holm([one[4] for one in found])
    cells = [Cell(*one[:4], float(p), one[5]) for one, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(cells, key=lambda cell: (cell.p_value, -abs(cell.contrast.z))))


def measure_cells(cells: Sequence[Cell]) -> Iterator[Measurement]:
    """Yield each source everywhere, and the twenty strangest cells of each test.

    The intervals of all cells hold together (Bonferroni). `smallest_detectable` is the share that would be found nine
    times in ten. Without a cell there is nothing to tell it by.
    """
    half = z_value(1 - (1 - CONFIDENCE) / max(len(cells), 1))
    overall = [cell for cell in cells if cell.metric == FLIPPED and cell.slice == EVERYWHERE]
    tests = {OVERALL: overall} | {
        name: [cell for cell in cells if cell.metric == name][:SHOWN] for name in (FLIPPED, SHIFTED)
    }
    for metric, tested in tests.items():
        if not tested and metric != SHIFTED:
            reason = f"no source has {FEWEST} outcomes that can be compared"
            yield Measurement(metric=metric, value=None, n=0, unit="share", reason=reason)
        for cell in tested:
            subject = cell.source if metric == OVERALL else f"{cell.source}, {cell.slice}"
            yield _measured(cell, metric, subject, half, len(cells))


def _measured(cell: Cell, metric: str, subject: str, half: float, tested: int) -> Measurement:
    found = cell.contrast
    error = found.standard_error
    value, low, high = (found.difference + step * half * error for step in (0.0, -1.0, 1.0))
    if cell.metric == SHIFTED and value < 0:
        value, low, high = -value, -high, -low
    facts: dict[str, Fact] = {
        "p_holm": cell.p_value, "cells_tested": tested, "against": cell.against, "rows_against": found.outside,
        "direction": "more" if found.difference > 0 else "less", "standard_error": error,
        "smallest_detectable": (half + NormalDist().inv_cdf(POWER)) * error,
    }  # fmt: skip
    return Measurement(
        metric=metric, value=value, low=low, high=high, confidence=CONFIDENCE, n=found.inside, unit="share",
        subject=subject, facts=facts,
    )  # fmt: skip


def _rest(theirs: Flags, rows: Flags) -> tuple[Flags, str]:
    others = rows & ~theirs
    if int(others.sum()) >= FEWEST:
        return others, "others in the same slice"
    return ~(theirs & rows), "all other outcomes"


def _tests(spec: ModelSpec, outcomes: Outcomes) -> list[tuple[str, Floats, Floats, bool]]:
    """Return what is compared: metric, numerator, denominator, and whether either side is strange."""
    score = np.array([one.score for one in outcomes.predictions], dtype=np.float64)
    ones = np.ones(score.size)
    match spec.learner.task:
        case "binary":
            told, information = flip_evidence(outcomes.codes, score)
            return [(FLIPPED, told, information, False), (SHIFTED, outcomes.codes - score, ones, True)]
        case "multiclass":
            wrong = 1 - _probability(outcomes)
            promised = np.array([1 - sum(p * p for p in one.scores) for one in outcomes.predictions])
            return [(FLIPPED, wrong - promised, ones, False)]
        case "regression" | "quantile":
            residual = outcomes.codes - score
            return [
                (FLIPPED, _ranks(np.abs(residual - np.median(residual))), ones, False),
                (SHIFTED, _ranks(residual), ones, True),
            ]
        case task:
            assert_never(task)


def _probability(outcomes: Outcomes) -> Floats:
    """Return the probability that each row's own class was given."""
    pairs = zip(outcomes.predictions, outcomes.codes.astype(int).tolist(), strict=True)
    return np.array([one.scores[code] if code < len(one.scores) else 0.0 for one, code in pairs], dtype=np.float64)


def _ranks(values: Floats) -> Floats:
    """Return each value's place among all, from 0 to 1; equal ones share theirs."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64) / max(values.size, 1)


def _slices(spec: ModelSpec, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Flags]]:
    yield EVERYWHERE, np.ones(len(predictions), dtype=np.bool_)
    for name in spec.inputs:
        if name != spec.time:
            yield from _slices_of(spec, name, [one.inputs.get(name) for one in predictions])


def _slices_of(spec: ModelSpec, name: str, values: Sequence[InputValue]) -> Iterator[tuple[str, Flags]]:
    known = [value for value in values if value is not None]
    levels = _most_frequent(known)
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)
    open_ = spec.contract[name].personal_data == "none"
    if numeric and len(set(known)) > MOST_LEVELS:
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        edges = [-np.inf, *np.unique(np.nanquantile(numbers, QUARTERS)), np.inf]
        for place, (low, high) in enumerate(itertools.pairwise(edges), 1):
            words = f"{name} in ({low:.4g}, {high:.4g}]" if open_ else f"{name}, part {place}"
            yield words, (numbers > low) & (numbers <= high)
    else:
        column = np.array(values, dtype=object)
        for place, level in enumerate(levels, 1):
            yield (f"{name} = {level}" if open_ else f"{name}, part {place}"), column == level


def _most_frequent(values: Sequence[InputValue]) -> list[InputValue]:
    counted = Counter(values)
    ordered = sorted(counted, key=lambda value: (-counted[value], str(value)))
    return [value for value in ordered if counted[value] >= FEWEST][:MOST_LEVELS]
