"""Whether intervals hold what they say and comparisons decide as often as they promise, by simulation.

`python benchmarks/evaluation.py [--repetitions 2000] [--rows 500] [--seed 1] [--to FILE]`. Outcomes are drawn anew in
each repetition from a world whose true values are known (integrals over 4 million rows, or exact by design):

- coverage: how often each metric's 95 % interval holds its true value, on independent rows and on entities of five
  equal rows each;
- equal models (a fifth of the repetitions where each needs a bootstrap): how often `compare` and `judge` call an
  equally good challenger better (nominal: 2.5 %, one side of a 95 % interval), and how often no worse, against the
  power that the comparison itself states;
- fairness: verdicts of the selection-rate gate on a minority of 30 in a fair world, and in one in which the minority is
  selected half as often.

Shares have Clopper and Pearson's interval at 95 %. Ends with 1 when a metric's coverage on independent rows is off by
more than a point beyond its simulation error, or a superiority gate passes more often than it may.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml_platform import compare, evaluate, judge
from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import Task

Floats = NDArray[np.float64]
BINARY = (
    "roc_auc", "average_precision", "log_loss", "brier", "calibration_slope", "calibration_intercept", "lift",
    "accuracy", "balanced_accuracy", "precision", "recall", "f1",
)  # fmt: skip
NUMBERS = ("mean_absolute_error", "median_absolute_error", "root_mean_squared_error", "bias", "r_squared")
COMPARED = ("roc_auc", "log_loss", "brier", "accuracy", "f1", "average_precision")
REDRAWN, DEARER = ("f1", "average_precision"), 5  # a bootstrap in each repetition: a fifth of them
TRUTH_ROWS = 4_000_000
PER_ENTITY = 5
MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened."""

    hits: int
    n: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Return Clopper and Pearson's interval."""
        found = stats.binomtest(self.hits, self.n).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.bounds
        return f"{100 * self.hits / self.n:.1f}% ({100 * low:.1f}%–{100 * high:.1f}%)"


Draw = Callable[[np.random.Generator, int], tuple[Floats, ...]]


def world(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats, Floats]:
    """Return outcomes and two equally good scores of them, each knowing another half of what matters."""
    one, other = rng.normal(size=(2, rows))
    y = (rng.random(rows) < 1 / (1 + np.exp(0.5 - one - other))).astype(np.float64)
    return y, 1 / (1 + np.exp(0.43 - 0.85 * one)), 1 / (1 + np.exp(0.43 - 0.85 * other))


def numbers(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Return outcomes with heavy tails and predictions of them."""
    known = rng.normal(size=rows)
    return known + 0.5 * rng.standard_t(6, size=rows), known


def clustered(rng: np.random.Generator, draw: Draw, rows: int) -> tuple[Floats, ...]:
    """Return rows in entities of equal rows, the number of entities being what chance would give."""
    chosen = np.repeat(np.arange(rows // PER_ENTITY), PER_ENTITY)
    return (*(column[chosen] for column in draw(rng, rows // PER_ENTITY)), chosen.astype(np.float64))


def coverage(
    task: Task, metrics: tuple[str, ...], draw: Draw, *, rows: int, repetitions: int, seed: int
) -> Iterator[tuple[str, Share, Share]]:
    """Yield each metric with its coverage on independent rows and on entities."""
    rng = np.random.default_rng(seed)
    made = draw(rng, TRUTH_ROWS)
    whole = evaluate(made[0], made[1], task=task, seed=0)
    truth = {name: whole[name].value for name in metrics}
    held = {name: [0, 0] for name in metrics}
    for place in range(repetitions):
        made, many = draw(rng, rows), clustered(rng, draw, rows)
        first = evaluate(made[0], made[1], task=task, seed=place)
        second = evaluate(many[0], many[1], task=task, seed=place, entity=many[-1])
        for at, found in enumerate((first, second)):
            for name in metrics:
                held[name][at] += holds(found[name], truth[name])
    for name in metrics:
        alone, together = (Share(hits, repetitions) for hits in held[name])
        yield name, alone, together


def holds(found: Measurement, truth: float | None) -> bool:
    """Say whether an interval holds the truth; one that isn't there holds nothing."""
    known = found.low is not None and found.high is not None and truth is not None
    return known and (found.low or 0.0) <= (truth or 0.0) <= (found.high or 0.0)


def equal_models(rows: int, repetitions: int, seed: int) -> Iterator[tuple[str, Share, Share, float]]:
    """Yield each metric with how often an equal model is called better and no worse, and the mean stated power."""
    for metric in COMPARED:
        rng = np.random.default_rng(seed)
        better = no_worse = 0
        power = []
        drawn = repetitions // DEARER if metric in REDRAWN else repetitions
        for place in range(drawn):
            found = compare(*world(rng, rows), metric=metric, margin=MARGIN, seed=place)
            outcomes = [verdict.outcome.opens for verdict in judge(found)]
            no_worse, better = no_worse + outcomes[0], better + outcomes[1]
            power.append(found.power or 0.0)
        yield metric, Share(better, drawn), Share(no_worse, drawn), float(np.mean(power))


def fairness(repetitions: int, seed: int, *, minority_rate: float) -> dict[str, Share]:
    """Return how often the selection-rate gate passed, failed and was undecided of 30 among 1,000."""
    rng, told = np.random.default_rng(seed), {"passed": 0, "failed": 0, "undecided": 0}
    group = np.where(np.arange(1000) < 30, "minority", "majority")
    for _ in range(repetitions):
        rate = np.where(group == "minority", minority_rate, 0.4)
        selected = (rng.random(1000) < rate).astype(np.float64)
        y = (rng.random(1000) < 0.4).astype(np.float64)
        verdicts = judge(evaluate(y, 0.25 + selected / 2, task="binary", groups={"group": group}))
        (mine,) = [one for one in verdicts if one.gate == "selection_rates_are_similar"]
        told[str(mine.outcome)] += 1
    return {name: Share(hits, repetitions) for name, hits in told.items()}


def main() -> int:
    """Simulate and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["coverage", "equal", "fairness"], help="one of the three")
    parser.add_argument("--to", type=Path, help="write the report there too")
    given = parser.parse_args()
    started = time.process_time()
    lines, good = list[str](), True
    if given.only in {None, "coverage"}:
        lines += [
            f"| Metric, n = {given.rows} | Coverage of the 95 % interval | In entities of {PER_ENTITY} equal rows |"
        ]
        lines += ["|---|---|---|"]
        counts = {"rows": given.rows, "repetitions": given.repetitions, "seed": given.seed}
        told = [*coverage("binary", BINARY, world, **counts), *coverage("regression", NUMBERS, numbers, **counts)]
        lines += [f"| `{name}` | {alone} | {together} |" for name, alone, together in told]
        good &= all(alone.bounds[0] <= 0.96 and alone.bounds[1] >= 0.94 for _, alone, _ in told)
    if given.only in {None, "equal"}:
        lines += [
            "",
            f"| Two equal models, n = {given.rows} | Called better | Called no worse by {MARGIN} | Stated power |",
        ]
        lines += ["|---|---|---|---|"]
        for name, better, no_worse, power in equal_models(given.rows, given.repetitions, given.seed):
            lines.append(f"| `{name}` | {better} | {no_worse} | {100 * power:.1f}% |")
            good &= better.bounds[0] <= 0.025
    if given.only in {None, "fairness"}:
        lines += ["", "| 30 of 1,000 in a minority | Passed | Failed | Undecided |", "|---|---|---|---|"]
        for name, rate in (("selected alike", 0.4), ("selected half as often", 0.2)):
            found = fairness(given.repetitions, given.seed, minority_rate=rate)
            lines.append(f"| {name} | {found['passed']} | {found['failed']} | {found['undecided']} |")
    lines.append(f"\n{given.repetitions:,} repetitions, seed {given.seed}, {time.process_time() - started:,.0f} CPU s")
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if given.to:
        given.to.write_text(text, encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
