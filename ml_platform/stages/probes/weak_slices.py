"""Weak slices: where a model is worse than elsewhere, looked for in one half of the holdout, tested on the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.probes.halves import first_half
from ml_platform.stages.probes.slice_cuts import NamedCut, hidden_features, slice_cuts
from ml_platform.stats.columns import flaw_of_numbers
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.loss_excess import loss_excess
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.simultaneous import holm
from ml_platform.stats.slice_search import Conditions, rows_of, slice_search

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject
    from ml_platform.stages.scored_part import ScoredPart

OF_NUMBERS, OF_CLASSES, SURPRISE = "weak_slice_loss", "weak_slice_log_loss", "weak_slice_surprise"
ROWS = 50_000
FEWEST = 40
MOST = 10
CONFIDENCE = 0.95

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The rows' losses, and those that their own probabilities promise, shape (n,); numbers promise none."""

    losses: Floats
    promised: Floats | None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return what is measured of a slice."""
        return (OF_NUMBERS,) if self.promised is None else (OF_CLASSES, SURPRISE)

    @property
    def sought(self) -> tuple[Floats, ...]:
        """Return what to look for: large losses, and losses beyond the promised ones, as large on the whole."""
        if self.promised is None:
            return (self.losses,)
        return self.losses, self.losses - self.promised + self.losses.mean()


def measure_weak_slices(subject: Subject) -> Iterator[Measurement]:
    """Measure the loss of the slices that seem weakest against that of all other rows, on up to 50,000 rows.

    Slices of one or two conditions with at least 40 rows are looked for in half of the entities (of the rows where
    there are none) and measured on the other half. Where probabilities are predicted, so is each slice's loss against
    the one that they promise: what is open has a large loss and is no surprise. All intervals hold together
    (Bonferroni); `p_holm` is what is left of a p-value after counting the slices that were tested. Sources: Chung et
    al. 2019, Slice Finder, ICDE; Cox 1975, Biometrika 62 (splitting the rows); Holm 1979, Scand. J. Stat. 6.
    """
    spec, rows = subject.spec, subject.holdout.spread(ROWS)
    lost = Lost(losses=losses_of(spec, rows), promised=promised_losses(rows.score) if spec.classes else None)
    seek = first_half(rows.target.size, rows.entity, np.random.default_rng(spec.learner.seed))
    flaw = flaw_of_numbers(losses=lost.losses)
    if min(int(seek.sum()), int((~seek).sum())) < 2 * FEWEST:
        flaw = f"{rows.target.size:,} rows; {4 * FEWEST} are needed to look for slices in one half and test in another"
    if flaw:
        yield from (
            Measurement(metric=metric, value=None, n=rows.target.size, unit="share", reason=flaw)
            for metric in lost.metrics
        )
        return
    matrix, levels = rows.matrix, {name: subject.levels.get(name, ()) for name in rows.matrix.categorical}
    hidden = hidden_features(spec, subject.features.lineage)
    cuts = list(slice_cuts(matrix.values, seek, matrix.names, levels, hidden=hidden))
    yield from slices_on_other_rows(rows, lost, cuts, seek)


def slices_on_other_rows(rows: ScoredPart, lost: Lost, cuts: Sequence[NamedCut], seek: Flags) -> Iterator[Measurement]:
    """Yield each slice that seems weak in the rows to `seek` in, measured on the others, the worst first.

    Where none seems weak, 0 of all rows: nothing is worse than elsewhere as far as can be seen.
    """
    chosen = _chosen(lost, cuts, seek)
    if not chosen:
        yield from (
            Measurement(
                metric=metric, value=0.0, low=0.0, high=0.0, n=int((~seek).sum()), unit="share", subject="all rows",
                facts={"slices_tested": 0, "loss": float(lost.losses.mean())},
            )
            for metric in lost.metrics
        )  # fmt: skip
        return
    entity = None if rows.entity is None else rows.entity[~seek]
    each = 1 - (1 - CONFIDENCE) / len(chosen)
    losses = lost.losses[~seek]
    measured = [
        loss_excess(losses, inside * 1.0, entity=entity, confidence=each, subject=subject) for subject, inside in chosen
    ]
    for one, (subject, inside), adjusted in zip(measured, chosen, _adjusted(measured), strict=True):
        facts: dict[str, Fact] = {"p_holm": adjusted, "slices_tested": len(chosen), **_ranking(rows, ~seek, inside)}
        yield dataclasses.replace(one, metric=lost.metrics[0], facts={**one.facts, **facts})
        if lost.promised is not None:
            within, known = lost.promised[~seek][inside], None if entity is None else entity[inside]
            found = loss_change(losses[inside], within, entity=known, confidence=each, subject=subject)
            yield dataclasses.replace(found, metric=SURPRISE, facts={**found.facts, "slices_tested": len(chosen)})


def _chosen(lost: Lost, cuts: Sequence[NamedCut], seek: Flags) -> list[tuple[str, Flags]]:
    """Return the slices to test, in words, with their rows among those to test on."""
    sought = [dataclasses.replace(each.cut, cells=each.cut.cells[seek]) for each in cuts]
    found = dict.fromkeys(
        conditions
        for values in lost.sought
        for conditions in slice_search(values[seek], sought, fewest=FEWEST, most=MOST // len(lost.sought))
    )
    named = [(_words(cuts, one), rows_of([each.cut for each in cuts], one)[~seek]) for one in found]
    return [(words, inside) for words, inside in named if FEWEST <= int(inside.sum()) <= inside.size - FEWEST]


def _words(cuts: Sequence[NamedCut], conditions: Conditions) -> str:
    return " and ".join(cuts[cut].words[condition] for cut, condition in conditions)


def _adjusted(measured: Sequence[Measurement]) -> list[float]:
    """Return Holm's p-values; a slice whose p-value isn't known counts as 1."""
    known = [one.facts.get("p_value") for one in measured]
    return [float(p) for p in holm([1.0 if p is None else float(p) for p in known])]


def _ranking(rows: ScoredPart, test: Flags, inside: Flags) -> dict[str, Fact]:
    """Return, for the reader, how well scores rank two classes within a slice and elsewhere."""
    if rows.threshold is None:
        return {}
    target, score = rows.target[test], rows.score[test]
    return {
        "roc_auc": roc_auc(target[inside], score[inside]).value,
        "roc_auc_elsewhere": roc_auc(target[~inside], score[~inside]).value,
    }


def promised_losses(score: Floats) -> Floats:
    """Return the log loss that each row's probabilities expect of themselves: their entropy, shape (n,).

    >>> promised_losses(np.array([0.5, 1.0])).round(3).tolist()
    [0.693, 0.0]
    """
    every = np.column_stack([score, 1 - score]) if score.ndim == 1 else score
    known = np.clip(every, np.finfo(np.float64).tiny, 1.0)
    found: Floats = -(known * np.log(known)).sum(axis=1) + 0.0
    return found
