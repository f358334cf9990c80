"""The shift detector keeps its promise on stable windows and finds a shift about as soon as theory lets it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ml_platform.stats.psi import psi
from ml_platform.stats.psi_of_shares import psi_of_shares
from ml_platform.stats.shift_detector import EFFECTS, joined_evidence, log_factors, shift_detector
from ml_platform.stats.usual import Usual, usual_rows, usual_share

Windows = tuple[list[Usual], np.ndarray, np.ndarray]


def stable_shares(rng: np.random.Generator, *, cells: int, reference: int, n: int, windows: int) -> Windows:
    likely = rng.dirichlet(np.ones(cells))
    then, now = rng.multinomial(reference, likely), rng.multinomial(n, likely, windows)
    return [usual_share(int(one), reference) for one in then], np.full(windows, n), now / n


def stable_losses(rng: np.random.Generator, *, reference: int, n: int, windows: int) -> Windows:
    chance = rng.beta(1, 4, reference + n * windows)
    came = rng.random(chance.size) < chance
    losses = -np.log(np.clip(np.where(came, chance, 1 - chance), 1e-6, 1))
    usual = usual_rows(losses[:reference])
    assert usual is not None
    return [usual], np.full(windows, n), losses[reference:].reshape(windows, n).mean(axis=1)[:, None]


def alarms(told: Windows, needed: float, side: str = "both") -> int:
    """Count the alarms of a row of windows, the evidence beginning anew after each."""
    usual, n, means = told
    start = found = 0
    while start < n.size:
        path = shift_detector(usual, n, means, side=side, start=start).log_evidence  # type: ignore[arg-type]
        above = np.flatnonzero(path >= math.log(needed))
        if not above.size:
            break
        found, start = found + 1, start + int(above[0]) + 1
    return found


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: stable_shares(rng, cells=4, reference=2_000, n=300, windows=100),
        lambda rng: stable_shares(rng, cells=3, reference=300, n=5_000, windows=100),
        lambda rng: stable_losses(rng, reference=2_000, n=50, windows=40),
    ],
    ids=["shares", "few rows to hold against", "losses"],
)
def test_stable_windows_raise_no_more_false_alarms_than_promised(
    make: Callable[[np.random.Generator], Windows],
) -> None:
    rng, needed, rows = np.random.default_rng(1), 20.0, 30
    told = [make(rng) for _ in range(rows)]
    found = sum(alarms(one, needed) for one in told)
    assert found <= sum(one[1].size for one in told) / needed


def test_a_shift_is_found_within_one_and_a_half_times_what_theory_allows() -> None:
    rng, needed, n, before, after = np.random.default_rng(2), 1_000.0, 50, 0.2, 0.25
    divergence = after * math.log(after / before) + (1 - after) * math.log((1 - after) / (1 - before))
    waited = []
    for _ in range(60):
        usual = usual_share(int(rng.binomial(50_000, before)), 50_000)
        means = np.concatenate([rng.binomial(n, before, 10), rng.binomial(n, after, 60)])[:, None] / n
        path = shift_detector([usual], np.full(70, n), means, side="greater").log_evidence
        above = np.flatnonzero(path >= math.log(needed))
        waited.append(n * (int(above[above >= 10][0]) - 9) if (above >= 10).any() else n * 60)
    assert np.mean(waited) <= 1.5 * math.log(needed) / divergence


def test_of_normal_rows_a_bet_is_the_likelihood_ratio_of_the_recursive_residual() -> None:
    rows = np.random.default_rng(3).normal(0, 1, 200_000)
    usual = usual_rows(rows)
    assert usual is not None
    n, means = np.array([400, 100]), np.array([0.03, -0.05])
    found = log_factors(usual, n, means, side="greater")[:5]
    known = usual.n + np.array([0, 400])
    centre = np.array([usual.mean, (usual.n * usual.mean + 400 * 0.03) / known[1]])
    effective = n * known / (n + known)
    effects = EFFECTS[:5, None]
    expected = effective * (effects * (means - centre) / usual.deviation - effects**2 / 2)
    assert_allclose(found, expected, atol=0.02)


def test_the_evidence_names_the_quantity_and_the_window_where_it_began() -> None:
    usual = [usual_share(500, 1_000), usual_share(100, 1_000), usual_share(400, 1_000)]
    means = np.array([[0.5, 0.1, 0.4]] * 3 + [[0.4, 0.2, 0.4]] * 2)
    found = shift_detector(usual, np.full(5, 500), means)
    assert found.quantity == 1
    assert found.since == 3
    assert found.change == pytest.approx(0.1, abs=0.002)
    assert found.log_evidence.size == 5
    assert shift_detector(usual, np.full(5, 500), means, start=4).log_evidence.size == 1


def test_a_window_that_is_not_worth_it_adds_nothing_and_one_without_rows_changes_nothing() -> None:
    usual, n = [usual_share(100, 1_000)], np.array([500, 500])
    means = np.array([[0.1], [0.3]])
    moved = shift_detector(usual, n, means).log_evidence
    still = shift_detector(usual, n, means, worth=np.array([True, False])).log_evidence
    assert still[1] < math.log(3) < moved[1]
    empty = log_factors(usual[0], np.array([500, 0]), means[:, 0])
    assert (empty[:, 1] == 0).all()


def test_only_a_shift_to_the_side_that_is_looked_at_counts() -> None:
    usual, n, means = [usual_share(500, 1_000)], np.array([1_000]), np.array([[0.6]])
    sides = {
        side: float(shift_detector(usual, n, means, side=side).log_evidence[0]) for side in ("greater", "less", "both")
    }
    assert sides["less"] < 0 < sides["both"] < sides["greater"]


def test_without_a_window_that_counts_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="at least one has to"):
        shift_detector([usual_share(1, 2)], np.array([3]), np.array([[0.5]]), start=1)


def test_every_start_joins_with_one() -> None:
    assert_allclose(np.exp(joined_evidence(np.log([[2.0, 0.5, 3.0]]))), [[2.0, 1.5, 7.5]])


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [1.0, math.nan]])
def test_of_too_few_constant_or_undefined_rows_nothing_is_usual(values: list[float]) -> None:
    assert usual_rows(values) is None


def test_many_rows_are_kept_as_a_thousand_that_move_alike() -> None:
    rows = np.random.default_rng(4).exponential(1, 50_000)
    found = usual_rows(rows)
    assert found is not None
    assert found.rows.size == 1_000
    for rate in (0.05, 0.3):
        exact = math.log(np.exp(rate * (rows - rows.mean())).mean())
        assert found.log_moment(np.array([rate]))[0] == pytest.approx(exact, rel=0.02)


def test_a_share_is_what_a_count_of_rows_can_be() -> None:
    with pytest.raises(ValueError, match="a count from 0 to n"):
        usual_share(3, 2)
    assert usual_share(0, 98).mean == pytest.approx(0.01)


def test_the_index_of_shares_is_that_of_counts_less_what_chance_gives() -> None:
    then, now = np.array([500, 300, 200]), np.array([300, 300, 400])
    found = psi_of_shares(then / 1_000, now[None] / 1_000, np.array([1_000]))[0]
    columns = [np.repeat(["a", "b", "c"], counts) for counts in (then, now)]
    assert found == pytest.approx((psi(*columns).value or 0) - 0.002)
    assert psi_of_shares(then / 1_000, np.zeros((1, 3)), np.array([0]))[0] == 0
