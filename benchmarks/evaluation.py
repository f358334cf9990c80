"""Whether intervals hold what they say and comparisons decide as often as they promise, by simulation.

`python benchmarks/evaluation.py [--repetitions 2000] [--rows 500] [--seed 1] [--to FILE]`. Outcomes are drawn anew in
each repetition from a world whose true values are known (integrals over 4 million rows, or exact by design):

- coverage: how often each metric's 95 % interval holds its true value, on independent rows, on entities of five equal
  rows each, and on entities of one to nine rows that are half alike;
- equal models (a fifth of the repetitions where each needs a bootstrap): how often `compare` and `judge` call an
  equally good challenger better (nominal: 2.5 %, one side of a 95 % interval), and how often no worse, against the
  power that the comparison itself states;
- fairness: verdicts of the selection-rate gate on a minority of 30 in a fair world, and in one in which the minority is
  selected half as often.

Shares have Clopper and Pearson's interval at 95 %. Ends with 1 when a metric's coverage in any design is off by more
than a point beyond its simulation error (calibration errors, which are bounded by 0, apart), or a superiority gate
passes more often than it may.
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
from scipy import special, stats

from ml_platform import compare, evaluate, judge
from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import Task

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
BINARY = (
    "roc_auc", "average_precision", "log_loss", "brier", "expected_calibration_error", "calibration_slope",
    "calibration_intercept", "lift", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "expected_cost",
    "expected_cost_gain",
)  # fmt: skip
NUMBERS = ("mean_absolute_error", "median_absolute_error", "root_mean_squared_error", "bias", "bias_share", "r_squared")
CLASSES = (
    "multiclass_log_loss", "multiclass_brier", "macro_roc_auc", "top_label_calibration_error", "class_accuracy",
    "macro_recall", "macro_precision", "macro_f1",
)  # fmt: skip
COMPARED = ("roc_auc", "log_loss", "brier", "accuracy", "f1", "average_precision")
REDRAWN, DEARER = ("f1", "average_precision"), 5  # a bootstrap in each repetition: a fifth of them
TRUTH_ROWS = 4_000_000
PER_ENTITY = 5
MARGIN = 0.02
FREEDOM, QUANTILE = 6.0, 0.8
COSTS = {"false_positive": 1, "false_negative": 2}


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


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to draw columns for: independent ones, or rows of entities, `alike` from 0 to 1 (equal)."""

    rng: np.random.Generator
    n: int
    entity: Codes | None = None
    alike: float = 0.0

    def normal(self) -> Floats:
        """Return standard normal values, correlated by `alike` within an entity."""
        own = self.rng.normal(size=self.n)
        if self.entity is None:
            return own
        shared = self.rng.normal(size=self.entity[-1] + 1)[self.entity]
        mixed: Floats = np.sqrt(self.alike) * shared + np.sqrt(1 - self.alike) * own
        return mixed

    def uniform(self) -> Floats:
        """Return uniform values, correlated in the same way."""
        found: Floats = special.ndtr(self.normal())
        return found


def independent(rng: np.random.Generator, rows: int) -> Rows:
    """Return rows that stand for themselves."""
    return Rows(rng, rows)


def equal(rng: np.random.Generator, rows: int) -> Rows:
    """Return entities of five equal rows."""
    return Rows(rng, rows, np.repeat(np.arange(rows // PER_ENTITY), PER_ENTITY), 1.0)


def uneven(rng: np.random.Generator, rows: int) -> Rows:
    """Return entities of one to nine rows, five on average, half alike."""
    sizes = np.tile((1, 3, 5, 7, 9), rows // 25)
    return Rows(rng, int(sizes.sum()), np.repeat(np.arange(sizes.size), sizes), 0.5)


Draw = Callable[[Rows], tuple[Floats, ...]]


def world(rows: Rows) -> tuple[Floats, Floats, Floats]:
    """Return outcomes and two equally good scores of them, each knowing another half of what matters."""
    one, other = rows.normal(), rows.normal()
    y = (rows.uniform() < 1 / (1 + np.exp(0.5 - one - other))).astype(np.float64)
    return y, 1 / (1 + np.exp(0.43 - 0.85 * one)), 1 / (1 + np.exp(0.43 - 0.85 * other))


def too_sure(rows: Rows) -> tuple[Floats, Floats]:
    """Return the same with scores that promise too much."""
    y, score, _ = world(rows)
    return y, 1 / (1 + np.exp(-2.5 * np.log(score / (1 - score))))


def numbers(rows: Rows) -> tuple[Floats, Floats]:
    """Return outcomes with heavy tails and predictions of them."""
    known = rows.normal()
    return known + 0.5 * special.stdtrit(FREEDOM, rows.uniform()), known


def quantiles(rows: Rows) -> tuple[Floats, Floats]:
    """Return the same outcomes and predictions of their 0.8-quantile, a little too high."""
    y, known = numbers(rows)
    return y, known + 0.5 * special.stdtrit(FREEDOM, QUANTILE) + 0.1


def classes(rows: Rows) -> tuple[Floats, Floats]:
    """Return outcomes of three classes and probabilities that know a part of what matters."""
    one, other, hidden = rows.normal(), rows.normal(), rows.normal()
    likely = np.exp(np.column_stack([one + hidden, other - 0.3, np.full(one.size, -0.6)]))
    y = (rows.uniform()[:, None] > np.cumsum(likely, axis=1)[:, :2] / likely.sum(axis=1)[:, None]).sum(axis=1)
    claimed = np.exp(np.column_stack([0.9 * one, 0.8 * other - 0.2, np.full(one.size, -0.4)]))
    return y.astype(np.float64), claimed / claimed.sum(axis=1)[:, None]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is measured of which rows; `told` is added to the metrics' names."""

    task: Task
    draw: Draw
    metrics: tuple[str, ...]
    told: str = ""


SCENES = (
    Scene("binary", world, BINARY),
    Scene("binary", too_sure, ("expected_calibration_error",), ", scores too sure"),
    Scene("regression", numbers, NUMBERS),
    Scene("quantile", quantiles, ("pinball_loss", "coverage")),
    Scene("multiclass", classes, CLASSES),
)
DESIGNS = (independent, equal, uneven)


def coverage(scene: Scene, *, rows: int, repetitions: int, seed: int, truth: int) -> Iterator[tuple[str, list[Share]]]:
    """Yield each metric with its coverage in each design."""
    rng = np.random.default_rng(seed)
    made = scene.draw(independent(rng, truth))
    whole = {one.metric: one for one in _measured(scene, made, seed=0)}
    held = {name: [0] * len(DESIGNS) for name in scene.metrics}
    for place in range(repetitions):
        for at, design in enumerate(DESIGNS):
            drawn = design(rng, rows)
            for found in _measured(scene, scene.draw(drawn), seed=place, entity=drawn.entity):
                held[found.metric][at] += holds(found, whole[found.metric].value)
    for name in scene.metrics:
        yield f"`{name}`{scene.told}", [Share(hits, repetitions) for hits in held[name]]


def _measured(
    scene: Scene, made: tuple[Floats, ...], *, seed: int, entity: Codes | None = None
) -> Iterator[Measurement]:
    costs = COSTS if scene.task == "binary" else None
    found = evaluate(made[0], made[1], task=scene.task, seed=seed, entity=entity, quantile=QUANTILE, costs=costs)
    yield from (one for one in found.measurements if one.metric in scene.metrics)


def holds(found: Measurement, truth: float | None) -> bool:
    """Say whether an interval holds the truth; one that isn't there holds nothing."""
    known = found.low is not None and found.high is not None and truth is not None
    return known and (found.low or 0.0) <= (truth or 0.0) <= (found.high or 0.0)


def within(share: Share) -> bool:
    """Say whether a coverage may be within a point of 95 %, as far as so many repetitions tell."""
    return share.bounds[0] <= 0.96 and share.bounds[1] >= 0.94


def equal_models(rows: int, repetitions: int, seed: int) -> Iterator[tuple[str, Share, Share, float]]:
    """Yield each metric with how often an equal model is called better and no worse, and the mean stated power."""
    for metric in COMPARED:
        rng = np.random.default_rng(seed)
        better = no_worse = 0
        power = []
        drawn = repetitions // DEARER if metric in REDRAWN else repetitions
        for place in range(drawn):
            found = compare(*world(independent(rng, rows)), metric=metric, margin=MARGIN, seed=place)
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
    parser.add_argument("--truth", type=int, default=TRUTH_ROWS, help="rows whose values count as true")
    parser.add_argument("--only", choices=["coverage", "equal", "fairness"], help="one of the three")
    parser.add_argument("--to", type=Path, help="write the report there too")
    given = parser.parse_args()
    started = time.process_time()
    lines, good = list[str](), True
    if given.only in {None, "coverage"}:
        designs = f"Independent rows | Entities of {PER_ENTITY} equal rows | Entities of 1–9 rows, half alike"
        lines += [f"| 95 % interval, n = {given.rows} | {designs} |", "|---|---|---|---|"]
        counts = {"rows": given.rows, "repetitions": given.repetitions, "seed": given.seed, "truth": given.truth}
        told = [one for scene in SCENES for one in coverage(scene, **counts)]
        lines += [f"| {name} | {' | '.join(map(str, shares))} |" for name, shares in told]
        good &= all(within(share) for name, shares in told for share in shares if "calibration_error" not in name)
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
