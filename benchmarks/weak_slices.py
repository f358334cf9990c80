"""How often the search for weak slices cries wolf, and what it takes for it to find one.

`python benchmarks/weak_slices.py [--repetitions 1000] [--rows 2000] [--seed 1]`. In each repetition rows with eight
features are drawn anew, one of them a category, some values missing:

- nothing planted: losses with a long tail that have nothing to do with any feature, on independent rows and on entities
  of four rows that share most of their loss; how often any slice is called worse (5 % by Holm, the family-wise error),
  and how often the whole interval of one lies above 0;
- the same without halves: what is found is tested on the rows that it was found in, the baseline that shows what
  searching does to p-values;
- honest probabilities of a rare outcome (5 % of the rows), which depend on two features: how often any slice's loss is
  called larger than promised, or larger than all others', which it is where the outcome is more open;
- planted: in a slice of two conditions (an eighth of one feature, a third of another) the loss is larger by a half, by
  one, by two; how often the first slice that is called worse lies mostly within it.

Shares have Clopper and Pearson's interval at 95 %. Ends with 1 when a family-wise error is surely above 5 %.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml_platform.core.measurement import Measurement
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.probes.halves import first_half
from ml_platform.stages.probes.slice_cuts import slice_cuts
from ml_platform.stages.probes.weak_slices import Lost, promised_losses, slices_on_other_rows
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stats.log_loss import row_log_losses
from ml_platform.stats.loss_excess import loss_excess
from ml_platform.stats.simultaneous import holm
from ml_platform.stats.slice_search import rows_of, slice_search

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NAMES = tuple(f"x{place}" for place in range(8))
LEVELS = list("abcdefgh")
PER_ENTITY, LEVEL = 4, 0.05


def features(rng: np.random.Generator, n: int) -> Floats:
    """Draw features; the first is a category of eight levels."""
    values = rng.normal(size=(n, len(NAMES)))
    values[rng.random(values.shape) < 0.03] = np.nan
    values[:, 0] = rng.integers(0, len(LEVELS), n)
    return values


def found_in(values: Floats, lost: Lost, entity: NDArray[np.uint64] | None, seed: int) -> list[Measurement]:
    """Search one half and measure on the other, as an evaluation does."""
    losses = lost.losses
    seek = first_half(losses.size, entity, np.random.default_rng(seed))
    cuts = list(slice_cuts(values, seek, NAMES, {"x0": LEVELS}, hidden=()))
    matrix = Matrix(
        values=values, names=NAMES, categorical=("x0",), target=losses, part=np.full(losses.size, "holdout"),
        entity=entity,
    )  # fmt: skip
    rows = ScoredPart(matrix=matrix, score=losses, threshold=None, scorer=cast("Any", None), threads=1)
    return list(slices_on_other_rows(rows, lost, cuts, seek))


def called_worse(found: list[Measurement]) -> list[Measurement]:
    """Return the slices whose p-value, after Holm, is below 5 %."""
    return [one for one in found if float(cast("float", one.facts.get("p_holm", 1.0))) < LEVEL]


def without_halves(values: Floats, losses: Floats) -> bool:
    """Say whether a slice is called worse on the very rows that it was found in."""
    every = np.ones(losses.size, dtype=np.bool_)
    cuts = [each.cut for each in slice_cuts(values, every, NAMES, {"x0": LEVELS}, hidden=())]
    found = slice_search(losses, cuts, fewest=40)
    tested = [loss_excess(losses, rows_of(cuts, one) * 1.0).facts["p_value"] for one in found]
    return bool(tested) and bool((holm(np.array(tested, dtype=np.float64)) < LEVEL).any())


def share_text(hits: int, n: int) -> str:
    """Write a share with its interval."""
    bounds = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    return f"{hits / n:6.1%} ({bounds.low:.1%}-{bounds.high:.1%})"


def nothing_planted(repetitions: int, n: int, seed: int) -> bool:
    """Print how often something is found where there is nothing; return whether that is surely too often."""
    worse = dict.fromkeys(("independent rows", "entities of four rows"), 0)
    above, same_rows, began = dict(worse), 0, time.process_time()
    for repetition in range(repetitions):
        rng = np.random.default_rng([seed, repetition])
        values, losses = features(rng, n), rng.exponential(size=n) ** 2
        entity = (np.arange(n) // PER_ENTITY).astype(np.uint64)
        shared = np.repeat(rng.exponential(size=n // PER_ENTITY + 1) ** 2, PER_ENTITY)[:n] + 0.3 * losses
        together = values.copy()
        together[:, 1:] = values[(np.arange(n) // PER_ENTITY) * PER_ENTITY, 1:]
        for name, found in (
            ("independent rows", found_in(values, Lost(losses=losses, promised=None), None, repetition)),
            ("entities of four rows", found_in(together, Lost(losses=shared, promised=None), entity, repetition)),
        ):
            worse[name] += bool(called_worse(found))
            above[name] += any(one.low is not None and one.low > 0 for one in found)
        same_rows += without_halves(values, losses)
    print(f"nothing planted, n = {n:,}, {repetitions:,} repetitions ({time.process_time() - began:.0f} CPU s)")
    for name, hits in worse.items():
        print(f"  {name:24} any slice called worse {share_text(hits, repetitions)}, ", end="")
        print(f"an interval above 0 {share_text(above[name], repetitions)}")
    print(f"  {'tested where found':24} any slice called worse {share_text(same_rows, repetitions)}")
    return any(
        stats.binomtest(hits, repetitions, LEVEL, alternative="greater").pvalue < 0.01 for hits in worse.values()
    )


def honest(repetitions: int, n: int, seed: int) -> bool:
    """Print how often an honest model's slices are called misjudged; return whether that is surely too often."""
    misjudged = harder = twice = 0
    for repetition in range(repetitions):
        rng = np.random.default_rng([seed, repetition])
        values = features(rng, n)
        known = np.nan_to_num(values[:, 1] + values[:, 2])
        score = 1 / (1 + np.exp(4 - 1.2 * known))
        target = (rng.random(n) < score).astype(np.float64)
        lost = Lost(losses=row_log_losses(target == 1, score), promised=promised_losses(score))
        found = found_in(values, lost, None, repetition)
        surprises = [one.low for one in found if one.metric == "weak_slice_surprise" and one.low is not None]
        misjudged += any(low > 0 for low in surprises)
        others = [one.low for one in found if one.metric == "weak_slice_log_loss" and one.low is not None]
        harder += any(low > 0 for low in others)
        twice += any(low > 1 for low in others)
    print(f"honest probabilities of a rare outcome, n = {n:,}, {repetitions:,} repetitions")
    print(f"  {'beyond what is promised':24} an interval above 0 {share_text(misjudged, repetitions)}")
    print(f"  {'beyond all others':24} an interval above 0 {share_text(harder, repetitions)}, ", end="")
    print(f"above twice {share_text(twice, repetitions)}")
    return bool(stats.binomtest(misjudged, repetitions, LEVEL, alternative="greater").pvalue < 0.01)


def planted(repetitions: int, n: int, seed: int) -> None:
    """Print how often a slice that was planted is found."""
    print(f"planted in 1 row of 24, {repetitions:,} repetitions")
    for rows in (n, 5 * n):
        for more in (0.5, 1.0, 2.0):
            hits = 0
            for repetition in range(repetitions):
                rng = np.random.default_rng([seed, repetition])
                values = features(rng, rows)
                inside = (values[:, 0] == 3) & (values[:, 2] > 0.43)
                losses = rng.exponential(size=rows) * (1 + more * inside)
                worse = called_worse(found_in(values, Lost(losses=losses, promised=None), None, repetition))
                hits += bool(worse) and "x0 = d" in worse[0].subject
            print(f"  n = {rows:6,}, loss {more:+.0%}: found {share_text(hits, repetitions)}")


def main() -> int:
    """Run all; 1 when the search cries wolf too often."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    wolf = nothing_planted(said.repetitions, said.rows, said.seed)
    wolf |= honest(said.repetitions, 5 * said.rows, said.seed)
    planted(max(said.repetitions // 10, 1), said.rows, said.seed)
    return int(wolf)


if __name__ == "__main__":
    sys.exit(main())
