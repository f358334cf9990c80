"""Canaries by the thousand: how often equal versions are stopped, and how soon worse ones, against fixed-size tests.

`python benchmarks/canary.py [--runs 2000] [--requests 3000]`. Each run is looked at after every request. First whole
trials of equal versions, with all monitors. Then each monitor alone, of versions that are worse by exactly its margin:
how many are stopped within 1.5 times the requests that a test with one look at its end needs at the same alpha for a
power of 80 % (statsmodels), beside the power that this test has in the same runs; and how often it is said that such a
version is fine. Scores aren't among them: those of another version differ without being worse. The last rows are of
shadows: both versions answer the same requests. Ends with 1 when more equal versions are stopped, or more bad ones
called fine, than stated, or fewer bad ones stopped than 80 %, beyond chance.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import proportion_confint, samplesize_proportions_2indep_onetail

from ml_platform.stats.arm_wagers import duel_by_lot
from ml_platform.stats.by_lot import ByLot, by_lot
from ml_platform.stats.capital import Wager, log_capital
from ml_platform.stats.pair_wagers import duel_of_pairs
from ml_platform.stats.running_threshold import running_threshold
from ml_platform.stats.sample_ratio import sample_ratio
from ml_platform.stats.shift_duel import QUANTILES
from ml_platform.stats.tail_duel import running_tail, tail_by_lot_wagers

Floats = NDArray[np.float64]
Duels = list[tuple[Wager, Wager]]
ALPHA, MONITORS, POWER, MOST = 0.05, 6, 0.8, 1.5
PAST = 10_000  # requests that the champion answered before, which tell its usual latencies and scores
ERRORS, ERROR_MARGIN, SLOWER, SCORE_MARGIN, LOSS_MARGIN = 0.01, 0.01, 1.25, 0.1, 0.1


def main() -> int:
    """Simulate and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--requests", type=int, default=3000)
    said = parser.parse_args()
    start = time.process_time()
    bad = trials(said.runs, said.requests)
    print("\n| monitor | weight | fixed size | its power | stopped within 1.5 × | median / fixed | called fine |")
    print("|---|---|---|---|---|---|---|")
    for place, setting in enumerate(settings()):
        bad += alone(setting, max(said.runs // 4, 1), np.random.default_rng([2, place]))
    print(f"\n{time.process_time() - start:.0f} CPU seconds")
    return int(bad > 0)


# Whole trials


def trials(runs: int, requests: int, weight: float = 0.5) -> int:
    """Print how many equal versions all monitors together stopped, looked at after every request."""
    limit, fine = math.log(MONITORS / ALPHA), -math.log(ALPHA)
    rng = np.random.default_rng(1)
    stopped, promoted, when = 0, 0, []
    for _ in range(runs):
        ours = rng.random(requests) < weight
        paths = [_paths(duels, requests) for duels in _monitors(rng, ours, weight)]
        wrong = np.max([worse for worse, _ in paths], axis=0) >= limit
        wrong |= _ratio_is_off(ours, weight, limit)
        right = np.min([within for _, within in paths[:-1]], axis=0) >= fine  # outcomes aren't waited for
        first, end = _first(wrong), _first(right)
        stopped += first < end or (first == end < requests)
        promoted += end < first
        when += [end] if end < first else []
    low, high = proportion_confint(stopped, runs, method="beta")
    print(f"equal versions, {runs} canaries of {requests} requests, half of them the challenger's, all monitors:")
    print(f"  stopped wrongly {stopped / runs:.2%} [{low:.2%}, {high:.2%}], stated: at most {ALPHA:.0%}")
    typical = f"{np.median(when):.0f}" if when else "-"
    print(f"  promoted {promoted / runs:.1%}, half of them within {typical} requests")
    return int(low > ALPHA)


def _monitors(rng: np.random.Generator, ours: NDArray[np.bool_], weight: float) -> Iterator[Duels]:
    """Yield the games of errors, the two latencies, scores and outcomes of equal versions."""
    n, chance = ours.size, np.full(ours.size, weight)
    yield [duel_by_lot((rng.random(n) < ERRORS).astype(np.float64), ours, chance, margin=ERROR_MARGIN)]
    latency, score = rng.lognormal(-5, 0.5, size=n), rng.random(n)
    for quantile in (0.95, 0.99):
        yield tail_duels(by_lot(latency, ours, chance), quantile, rng.lognormal(-5, 0.5, size=PAST))
    yield shift_duels(by_lot(score, ours, chance), rng.random(PAST))
    loss = np.square(score - (rng.random(n) < score))
    yield [duel_by_lot(loss, ours, chance, margin=LOSS_MARGIN, relative=True)]


def _paths(duels: Duels, requests: int) -> tuple[Floats, Floats]:
    """Return the evidence of a monitor after each request: that it is worse, and that it is within the margin."""
    worse = np.logaddexp.reduce([log_capital(one) for one, _ in duels], axis=0) - math.log(len(duels))
    within = np.min([log_capital(one) for _, one in duels], axis=0)
    missing = np.zeros(requests - worse.size)
    return np.concatenate([missing, worse]), np.concatenate([missing, within])


def _ratio_is_off(ours: NDArray[np.bool_], weight: float, limit: float) -> NDArray[np.bool_]:
    """Return whether the sample ratio is off after each request, from the same closed form as the statistic's."""
    count, rows = np.cumsum(ours), np.arange(1, ours.size + 1)
    mixed = stats.betabinom.logpmf(count, rows, 100 * weight, 100 * (1 - weight))
    evidence: Floats = mixed - stats.binom.logpmf(count, rows, weight)
    told = sample_ratio([count[-1], rows[-1] - count[-1]], [weight, 1 - weight]).facts["evidence"]
    if not math.isclose(float(evidence[-1]), float(told or 0), abs_tol=1e-6):
        message = f"the statistic says {told}, the simulation {evidence[-1]}"
        raise AssertionError(message)
    return evidence >= limit


def tail_duels(rows: ByLot, quantile: float, past: Floats) -> Duels:
    """Return the games on a tail, from the first request on that has a threshold."""
    tail = running_tail(rows.values, ~rows.ours, quantile, SLOWER - 1, past=past)
    start = int(np.isinf(tail.threshold).sum())
    return [tail_by_lot_wagers(rows.since(start), tail.since(start), SLOWER - 1)]


def shift_duels(rows: ByLot, past: Floats) -> Duels:
    """Return the ten games on scores."""
    told = [running_threshold(rows.values, ~rows.ours, quantile, past=past) for quantile in QUANTILES]
    start = int(np.isinf(told[0]).sum())
    since = rows.since(start)
    above = [(since.values > each[start:]).astype(np.float64) for each in told]
    return [duel_by_lot(up, since.ours, since.weight, margin=SCORE_MARGIN) for each in above for up in (each, 1 - each)]


def _first(reached: NDArray[np.bool_]) -> int:
    return int(reached.argmax()) if reached.any() else reached.size


# Each monitor alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A monitor on a challenger that is worse by its margin, what is compared at a fixed size, and that size."""

    name: str
    weight: float
    fixed: int
    draw: Callable[[np.random.Generator, int], tuple[Duels, Floats, NDArray[np.bool_] | None]]


def alone(setting: Setting, runs: int, rng: np.random.Generator) -> int:
    """Print a row of the table; return 1 when what was stated doesn't hold beyond chance."""
    limit, fine = math.log(MONITORS / ALPHA), -math.log(ALPHA)
    requests = math.ceil(MOST * setting.fixed)
    edge = stats.norm.isf(ALPHA / MONITORS)
    found, powerful, called = [], 0, 0
    for _ in range(runs):
        duels, values, ours = setting.draw(rng, requests)
        worse, within = _paths(duels, requests)
        found.append(_first(worse >= limit) + 1)
        called += bool((within >= fine).any())
        powerful += _z(values[: setting.fixed], None if ours is None else ours[: setting.fixed]) > edge
    stopped = sum(each <= requests for each in found)
    low, high = proportion_confint(stopped, runs, method="beta")
    wrong = proportion_confint(called, runs, method="beta")
    print(
        f"| {setting.name} | {setting.weight:g} | {setting.fixed:,} | {powerful / runs:.1%} "
        f"| {stopped / runs:.1%} [{low:.1%}, {high:.1%}] | {np.median(found) / setting.fixed:.2f} "
        f"| {called / runs:.1%} [{wrong[0]:.1%}, {wrong[1]:.1%}] |",
        flush=True,
    )
    return int(high < POWER or wrong[0] > ALPHA)


def _z(values: Floats, ours: NDArray[np.bool_] | None) -> float:
    """Return the test with one look: the pooled z of two arms, or that of the mean of differences."""
    if ours is None:
        return float(values.mean() / (values.std() / math.sqrt(values.size)))
    one, two = values[ours], values[~ours]
    return float((one.mean() - two.mean()) / math.sqrt(values.var() * (1 / one.size + 1 / two.size)))


def settings() -> Iterator[Setting]:
    """Yield the monitors with the sizes that statsmodels says."""
    for weight in (0.1, 0.5):
        yield Setting(
            name="errors", weight=weight, fixed=_of_shares(ERRORS, ERROR_MARGIN, weight), draw=_errors(weight)
        )
    for quantile in (0.95, 0.99):
        more = float(stats.lognorm.sf(stats.lognorm.ppf(quantile, 0.5) / SLOWER, 0.5)) - (1 - quantile)
        for past, known in ((PAST, ""), (0, ", nothing known before")):
            name, draw = f"latency p{quantile * 100:g}{known}", _latency(0.1, quantile, past)
            yield Setting(name=name, weight=0.1, fixed=_of_shares(1 - quantile, more, 0.1), draw=draw)
    loss = _losses(np.random.default_rng(3), 1_000_000)
    mean, deviation = float(loss.mean()), float(loss.std())
    fixed = _of_means(LOSS_MARGIN * mean, deviation * math.sqrt(1 / 0.1 + 1 / 0.9))
    yield Setting(name="outcomes", weight=0.1, fixed=fixed, draw=_outcomes(0.1))
    spread = math.sqrt(2 * ERRORS * (1 - ERRORS) + ERROR_MARGIN)
    yield Setting(name="errors, shadow", weight=1, fixed=_of_means(ERROR_MARGIN, spread), draw=_error_pairs)
    apart = np.subtract(*_loss_pair(np.random.default_rng(4), 1_000_000))
    fixed = _of_means(float(apart.mean()), float(apart.std()))
    yield Setting(name="outcomes, shadow", weight=1, fixed=fixed, draw=_outcome_pairs)


def _of_shares(usual: float, more: float, weight: float) -> int:
    challengers = samplesize_proportions_2indep_onetail(
        more, usual, POWER, ratio=(1 - weight) / weight, alpha=ALPHA / MONITORS, alternative="larger"
    )
    return math.ceil(float(challengers) / weight)


def _of_means(difference: float, deviation: float) -> int:
    return math.ceil(float(normal_sample_size_one_tail(difference, POWER, ALPHA / MONITORS, std_null=deviation)))


def _errors(weight: float) -> Callable[[np.random.Generator, int], tuple[Duels, Floats, NDArray[np.bool_]]]:
    def draw(rng: np.random.Generator, n: int) -> tuple[Duels, Floats, NDArray[np.bool_]]:
        ours = rng.random(n) < weight
        failed = (rng.random(n) < ERRORS + ERROR_MARGIN * ours).astype(np.float64)
        return [duel_by_lot(failed, ours, np.full(n, weight), margin=ERROR_MARGIN)], failed, ours

    return draw


def _latency(
    weight: float, quantile: float, past: int
) -> Callable[[np.random.Generator, int], tuple[Duels, Floats, NDArray[np.bool_]]]:
    edge = float(stats.lognorm.ppf(quantile, 0.5))

    def draw(rng: np.random.Generator, n: int) -> tuple[Duels, Floats, NDArray[np.bool_]]:
        ours = rng.random(n) < weight
        seconds = rng.lognormal(0, 0.5, size=n) * np.where(ours, SLOWER, 1.0)
        return (
            tail_duels(by_lot(seconds, ours, np.full(n, weight)), quantile, rng.lognormal(0, 0.5, past)),
            (seconds > edge).astype(np.float64),
            ours,
        )

    return draw


def _losses(rng: np.random.Generator, n: int) -> Floats:
    """Return squared errors of probabilities that come true as often as they say, on average 1/6."""
    score = rng.random(n)
    return np.square(score - (rng.random(n) < score))


def _outcomes(weight: float) -> Callable[[np.random.Generator, int], tuple[Duels, Floats, NDArray[np.bool_]]]:
    def draw(rng: np.random.Generator, n: int) -> tuple[Duels, Floats, NDArray[np.bool_]]:
        ours = rng.random(n) < weight
        one, other = _loss_pair(rng, n)
        loss = np.where(ours, one, other)
        return [duel_by_lot(loss, ours, np.full(n, weight), margin=LOSS_MARGIN, relative=True)], loss, ours

    return draw


def _loss_pair(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Return losses of a challenger and its champion on the same rows; the challenger's are a tenth larger on average.

    With the chance that makes it so, it says the opposite of its score, which costs 1/2 on average instead of 1/6.
    """
    score = rng.random(n)
    true = rng.random(n) < score
    wrong = rng.random(n) < LOSS_MARGIN / 2
    said = np.where(wrong, 1 - score, score)
    return np.square(said - true), np.square(score - true)


def _error_pairs(rng: np.random.Generator, n: int) -> tuple[Duels, Floats, None]:
    ours = (rng.random(n) < ERRORS + ERROR_MARGIN).astype(np.float64)
    theirs = (rng.random(n) < ERRORS).astype(np.float64)
    return [duel_of_pairs(ours, theirs, margin=ERROR_MARGIN)], ours - theirs, None


def _outcome_pairs(rng: np.random.Generator, n: int) -> tuple[Duels, Floats, None]:
    ours, theirs = _loss_pair(rng, n)
    return [duel_of_pairs(ours, theirs, margin=LOSS_MARGIN, relative=True)], ours - theirs, None


if __name__ == "__main__":
    raise SystemExit(main())
