"""Weak slices: where a model is worse than elsewhere, looked for in one half of the holdout, tested on the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.probes.halves import first_half
from ml_platform.stages.probes.slice_cuts import NamedCut, hidden_features, slice_cuts
from ml_platform.stats.columns import flaw_of_numbers
from ml_platform.stats.loss_excess import loss_excess
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.simultaneous import holm
from ml_platform.stats.slice_search import Conditions, rows_of, slice_search

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject
    from ml_platform.stages.scored_part import ScoredPart

METRIC = "weak_slice_loss"
ROWS = 50_000
FEWEST = 40
MOST = 10
CONFIDENCE = 0.95

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def measure_weak_slices(subject: Subject) -> Iterator[Measurement]:
    """Measure the loss of the slices that seem weakest against that of all other rows, on up to 50,000 rows.

    Slices of one or two conditions with at least 40 rows are looked for in half of the entities (of the rows where
    there are none) and measured on the other half. All intervals hold together (Bonferroni); `p_holm` is what is left
    of a p-value after counting the slices that were tested. Sources: Chung et al. 2019, Slice Finder, ICDE; Cox 1975,
    Biometrika 62 (splitting the rows); Holm 1979, Scand. J. Stat. 6.
    """
    spec, rows = subject.spec, subject.holdout.spread(ROWS)
    seek = first_half(rows.target.size, rows.entity, np.random.default_rng(spec.learner.seed))
    if min(int(seek.sum()), int((~seek).sum())) < 2 * FEWEST:
        reason = (
            f"{rows.target.size:,} rows; {4 * FEWEST} are needed to look for slices in one half and test in another"
        )
        yield Measurement(metric=METRIC, value=None, n=rows.target.size, unit="share", reason=reason)
        return
    losses = losses_of(spec, rows)
    if flaw := flaw_of_numbers(losses=losses):
        yield Measurement(metric=METRIC, value=None, n=rows.target.size, unit="share", reason=flaw)
        return
    matrix, levels = rows.matrix, {name: subject.levels.get(name, ()) for name in rows.matrix.categorical}
    hidden = hidden_features(spec, subject.features.lineage)
    cuts = list(slice_cuts(matrix.values, seek, matrix.names, levels, hidden=hidden))
    yield from slices_on_other_rows(rows, losses, cuts, seek)


def slices_on_other_rows(
    rows: ScoredPart, losses: Floats, cuts: Sequence[NamedCut], seek: Flags
) -> Iterator[Measurement]:
    """Yield each slice that seems weak in the rows to `seek` in, measured on the others, the worst first.

    Where none seems weak, 0 of all rows: nothing is worse than elsewhere as far as can be seen.
    """
    sought = [dataclasses.replace(each.cut, cells=each.cut.cells[seek]) for each in cuts]
    test, whole = ~seek, [each.cut for each in cuts]
    found = slice_search(losses[seek], sought, fewest=FEWEST, most=MOST)
    chosen = [(one, inside) for one in found if _enough(inside := rows_of(whole, one)[test])]
    if not chosen:
        yield Measurement(
            metric=METRIC, value=0.0, low=0.0, high=0.0, n=int(test.sum()), unit="share", subject="all rows",
            facts={"slices_tested": 0, "loss": float(losses.mean())},
        )  # fmt: skip
        return
    entity = None if rows.entity is None else rows.entity[test]
    each = 1 - (1 - CONFIDENCE) / len(chosen)
    measured = [
        dataclasses.replace(
            loss_excess(losses[test], inside * 1.0, entity=entity, confidence=each, subject=_words(cuts, one)),
            metric=METRIC,
        )
        for one, inside in chosen
    ]
    for one, (_, inside), adjusted in zip(measured, chosen, _adjusted(measured), strict=True):
        facts: dict[str, Fact] = {"p_holm": adjusted, "slices_tested": len(chosen), **_of_scores(rows, test, inside)}
        yield dataclasses.replace(one, facts={**one.facts, **facts})


def _enough(inside: Flags) -> bool:
    return FEWEST <= int(inside.sum()) <= inside.size - FEWEST


def _words(cuts: Sequence[NamedCut], conditions: Conditions) -> str:
    return " and ".join(cuts[cut].words[condition] for cut, condition in conditions)


def _adjusted(measured: Sequence[Measurement]) -> list[float]:
    """Return Holm's p-values; a slice whose p-value isn't known counts as 1."""
    known = [one.facts.get("p_value") for one in measured]
    return [float(p) for p in holm([1.0 if p is None else float(p) for p in known])]


def _of_scores(rows: ScoredPart, test: Flags, inside: Flags) -> dict[str, Fact]:
    """Return, for the reader, the loss that a slice's own probabilities promise, and how well they rank two classes."""
    score, facts = rows.score[test], dict[str, Fact]()
    if rows.threshold is not None:
        target = rows.target[test]
        facts["loss_promised"] = float(entropy(np.column_stack([score, 1 - score])[inside]).mean())
        facts["roc_auc"] = roc_auc(target[inside], score[inside]).value
        facts["roc_auc_elsewhere"] = roc_auc(target[~inside], score[~inside]).value
    elif score.ndim > 1:
        facts["loss_promised"] = float(entropy(score[inside]).mean())
    return facts


def entropy(probabilities: Floats) -> Floats:
    """Return the log loss that probabilities, shape (n, classes), expect of themselves, shape (n,).

    >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(3).tolist()
    [0.693, 0.0]
    """
    known = np.clip(probabilities, np.finfo(np.float64).tiny, 1.0)
    found: Floats = -(known * np.log(known)).sum(axis=1) + 0.0
    return found
