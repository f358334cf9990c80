"""How often stable traffic raises an alarm, of what the contract allows, and how soon a true fault is found.

Model-years of stable traffic are drawn: inputs, scores and outcomes of each come from one distribution of its own, and
a holdout and training rows of it are what its windows are held against. All that the product watches is watched, by
its own code, and every alarm is false. Then a share of right decisions falls by so many points, and it is counted how
many labelled rows pass until the alarm; theory allows log(c) / KL rows (Lorden 1971) at the same level.

    python benchmarks/false_alarms.py --years 300
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np
from scipy.stats import chi2

from ml_platform.policy.spec import WindowKind
from ml_platform.stages.alarms import MATERIAL_PSI, needed_evidence
from ml_platform.stages.periods import PER_YEAR
from ml_platform.stats.psi_of_shares import psi_of_shares
from ml_platform.stats.recalibration import logits
from ml_platform.stats.shift_detector import EFFECTS, Side, shift_detector
from ml_platform.stats.usual import Usual, usual_rows, usual_share

CONTRACT = 1.0
COLUMNS, TRAINING, HOLDOUT = 16, 20_000, 8_000
PERFORMANCE = 4
SIDES: tuple[Side, ...] = ("greater", "greater", "both", "both")
WINDOWS: dict[WindowKind, tuple[int, int]] = {"month": (4_000, 2_000), "day": (500, 100)}

Floats = np.ndarray


def alarms(usual: list[Usual], n: Floats, means: Floats, *, side: Side, worth: Floats, needed: float) -> int:
    """Count the alarms of a year, the evidence beginning anew after each."""
    start = found = 0
    while start < n.size:
        path = shift_detector(usual, n, means, side=side, worth=worth, start=start).log_evidence
        above = np.flatnonzero(path > needed)
        if not above.size:
            break
        found, start = found + 1, start + int(above[0]) + 1
    return found


def of_columns(rng: np.random.Generator, kind: WindowKind) -> int:
    """Count a year's alarms of inputs and score."""
    rows, windows, found = WINDOWS[kind][0], PER_YEAR[kind], 0
    needed = needed_evidence(kind, CONTRACT, COLUMNS + 1)
    for column in range(COLUMNS + 1):
        cells = 12 if column % 4 else 40
        likely = rng.dirichlet(np.full(cells, 2.0))
        then = rng.multinomial(HOLDOUT if column == COLUMNS else TRAINING, likely)
        usual = [usual_share(int(count), int(then.sum())) for count in then]
        n, means = np.full(windows, rows), rng.multinomial(rows, likely, windows) / rows
        worth = psi_of_shares(np.array([one.mean for one in usual]), means, n) >= MATERIAL_PSI
        # Where no window is worth it the evidence never passes log(windows), and no alarm is possible.
        if worth.any():
            found += alarms(usual, n, means, side="both", worth=worth, needed=needed)
    return found


def of_performance(rng: np.random.Generator, kind: WindowKind) -> int:
    """Count a year's alarms of a model's loss, decisions and calibration."""
    rows, windows, found = WINDOWS[kind][1], PER_YEAR[kind], 0
    chance = rng.beta(1.0, 4.0, HOLDOUT + rows * windows)
    came = rng.random(chance.size) < chance
    right = np.where(came, chance, 1 - chance)
    odds = logits(chance)
    quantities = (-np.log(np.clip(right, 1e-9, 1)), right < 0.5, chance - came, (came - chance) * (odds - odds.mean()))
    needed = needed_evidence(kind, CONTRACT, PERFORMANCE)
    for side, values in zip(SIDES, quantities, strict=True):
        usual = usual_rows(values[:HOLDOUT])
        if usual is None:
            continue
        means = values[HOLDOUT:].reshape(windows, rows).mean(axis=1)
        change = (means - usual.mean) / usual.deviation
        worth = (change if side == "greater" else np.abs(change)) >= EFFECTS[0]
        n = np.full(windows, rows)
        found += alarms([usual], n, means[:, None], side=side, worth=worth, needed=needed)
    return found


def waited(rng: np.random.Generator, before: float, drop: float, *, rows: int, times: int, needed: float) -> Floats:
    """Return how many labelled rows passed before the alarm, each time that the share of wrong decisions grew."""
    calm, most, found = 10, 400, []
    for _ in range(times):
        usual = usual_share(int(rng.binomial(50_000, before)), 50_000)
        wrong = np.concatenate([rng.binomial(rows, before, calm), rng.binomial(rows, before + drop, most)])
        means = wrong[:, None] / rows
        worth = (means[:, 0] - usual.mean) / usual.deviation >= EFFECTS[0]
        path = shift_detector([usual], np.full(calm + most, rows), means, side="greater", worth=worth).log_evidence
        above = np.flatnonzero(path[calm:] > needed)
        found.append(rows * (int(above[0]) + 1 if above.size else most))
    return np.array(found)


def poisson_interval(count: int, years: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a yearly rate."""
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low) / years, float(chi2.ppf(0.975, 2 * count + 2)) / 2 / years


def main() -> int:
    """Print false alarms a year by kind of window, then how soon faults are found; 1 when either breaks its promise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--years", type=int, default=300, help="model-years by month; a fifth as many by day")
    parser.add_argument("--times", type=int, default=200, help="how often each fault is made")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, began, kept = np.random.default_rng(asked.seed), time.process_time(), True
    print(f"False alarms a year, of {CONTRACT:g} allowed; {asked.years} model-years by month")
    for kind in WINDOWS:
        years = asked.years if kind == "month" else max(asked.years // 5, 1)
        traffic = sum(of_columns(rng, kind) for _ in range(years))
        performance = sum(of_performance(rng, kind) for _ in range(years))
        low, high = poisson_interval(traffic + performance, years)
        kept &= low <= CONTRACT
        rate = (traffic + performance) / years
        print(
            f"  by {kind:5}  {rate:.3f} [{low:.3f}, {high:.3f}]  ({years} years; performance {performance}, traffic "
            f"{traffic})"
        )
    needed = needed_evidence("day", CONTRACT, PERFORMANCE)
    print(f"Labelled rows until a fall of right decisions from 80 % is found, by day, needed evidence e^{needed:.2f}")
    for points in (0.03, 0.05, 0.1):
        before, after = 0.2, 0.2 + points
        theory = needed / (after * math.log(after / before) + (1 - after) * math.log((1 - after) / (1 - before)))
        rows = 50
        found = waited(rng, before, points, rows=rows, times=asked.times, needed=needed)
        mean, error = float(found.mean()), float(found.std(ddof=1)) / math.sqrt(found.size)
        ratio = mean / theory
        kept &= points != 0.05 or ratio <= 1.5
        print(
            f"  {points * 100:2.0f} points  {mean:,.0f} ± {1.96 * error:,.0f}  theory allows {theory:,.0f}: a ratio of "
            f"{ratio:.2f}, in windows of {rows}"
        )
    print(f"{time.process_time() - began:.0f} CPU seconds")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
