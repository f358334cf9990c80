"""Relations: what always holds between two columns of the reference - one decides the other, or is never larger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.tables import count_of
from ml_platform.stats.hypergeometric import hypergeometric_p

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

Flags = NDArray[np.bool_]
HOLDS = 0.998
LEAST_REPEATS = 3
CHANCE_HOLDS = 0.95


def relations(tables: Tables) -> Iterator[Evidence]:
    """Count rows that break a relation which the fitting rows keep, among the held rows and in the batch."""
    yield from _found("decides", tables, _deciding(tables))
    yield from _found("order", tables, _ordered(tables))


def _found(kind: str, tables: Tables, broken: Iterator[tuple[tuple[str, str], Flags]]) -> Iterator[Evidence]:
    for names, rows in broken:
        held = tables.held.size
        counts = np.array([rows[held:].sum()])
        p = hypergeometric_p(counts, [rows.sum()], drawn=tables.batch_rows, total=rows.size)
        effect = counts[0] / tables.batch_rows - rows[:held].mean()
        yield Evidence(
            kind=kind, columns=names, effect=abs(float(effect)), p_value=float(p[0]), n=tables.batch_rows,
            facts={"broken": int(counts[0])},
        )  # fmt: skip


def _deciding(tables: Tables) -> Iterator[tuple[tuple[str, str], Flags]]:
    fit, compared = tables.fit, tables.compared
    chosen = tables.chosen
    for cause in chosen:
        codes = cause.codes[fit]
        seen = count_of(codes, cause.values.size)
        if not 2 <= np.count_nonzero(seen) * LEAST_REPEATS <= fit.size:
            continue
        for effect in chosen:
            if effect is cause:
                continue
            answers = effect.codes[fit]
            if np.bincount(answers + 1).max() > CHANCE_HOLDS * fit.size:
                continue
            decided = np.full(cause.values.size + 1, -1)
            decided[codes] = answers
            if (decided[codes] == answers).mean() < HOLDS - 0.03:
                continue
            decided = _most_frequent(codes, answers, cause.values.size)
            if (decided[codes] == answers).mean() < HOLDS:
                continue
            known = np.append(seen >= 2, [False])[cause.codes[compared]]
            yield (cause.name, effect.name), known & (decided[cause.codes[compared]] != effect.codes[compared])


def _most_frequent(codes: NDArray[np.int64], answers: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    pairs, counts = np.unique(np.column_stack([codes, answers]), axis=0, return_counts=True)
    found = np.full(size + 1, -1)
    order = np.argsort(counts, kind="stable")
    found[pairs[order, 0]] = pairs[order, 1]
    return found


def _ordered(tables: Tables) -> Iterator[tuple[tuple[str, str], Flags]]:
    columns = [column for column in tables.chosen if column.kind != "levels"]
    values = [column.numbers() for column in columns]
    rng = np.random.default_rng(5)
    mixed = rng.permutation(tables.fit)
    for first, low in enumerate(values):
        for second, high in enumerate(values):
            if first == second or columns[first].kind != columns[second].kind:
                continue
            if not _never_larger(low[tables.fit], high[tables.fit]):
                continue
            if not (low[tables.fit] > high[mixed]).mean() > 1 - CHANCE_HOLDS:
                continue
            yield (columns[first].name, columns[second].name), low[tables.compared] > high[tables.compared]


def _never_larger(low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    return bool((low > high).mean() <= 1 - HOLDS)
