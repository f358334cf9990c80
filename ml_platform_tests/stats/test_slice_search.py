"""The search for weak slices: it finds what was planted, the whole of it, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np

from ml_platform.stats.columns import Floats
from ml_platform.stats.slice_search import Cut, rows_of, slice_search


def cuts_of(n: int, columns: int, cells: int, *, seed: int) -> list[Cut]:
    rng = np.random.default_rng(seed)
    return [Cut(rng.integers(0, cells, n), np.eye(cells, dtype=np.bool_)) for _ in range(columns)]


def noise(n: int, *, seed: int) -> Floats:
    return np.random.default_rng(seed).exponential(size=n)


def test_a_slice_of_two_conditions_is_found_first() -> None:
    cuts = cuts_of(4000, 5, 4, seed=1)
    planted = rows_of(cuts, ((1, 2), (3, 0)))
    found = slice_search(noise(4000, seed=2) + 2.0 * planted, cuts, fewest=50)
    assert found[0] == ((1, 2), (3, 0))


def test_a_slice_of_one_condition_isnt_made_smaller_by_a_second() -> None:
    cuts = cuts_of(4000, 5, 4, seed=1)
    found = slice_search(noise(4000, seed=2) + 2.0 * cuts[4].rows(3), cuts, fewest=50)
    assert found[0] == ((4, 3),)


def test_what_says_the_same_is_said_once() -> None:
    cuts = cuts_of(4000, 1, 4, seed=1)
    found = slice_search(noise(4000, seed=2) + cuts[0].rows(1), [cuts[0], cuts[0]], fewest=50)
    assert found == (((0, 1),),)


def test_small_slices_and_those_of_most_rows_are_none() -> None:
    cut = Cut(np.repeat([0, 1, 2], [49, 400, 551]), np.eye(3, dtype=np.bool_))
    losses = np.repeat([9.0, 1.0, 2.0], [49, 400, 551])
    assert slice_search(losses, [cut], fewest=50) == ()


def test_at_most_so_many_come() -> None:
    cut = Cut(np.arange(4000) % 20, np.eye(20, dtype=np.bool_))
    losses = noise(4000, seed=2) + (cut.cells < 8)
    assert len(slice_search(losses, [cut], fewest=50)) == 8
    assert len(slice_search(losses, [cut], fewest=50, most=3)) == 3


def test_nothing_is_weak_without_cuts_and_without_losses() -> None:
    assert slice_search(noise(100, seed=1), [], fewest=5) == ()
    cuts = cuts_of(100, 2, 2, seed=1)
    assert slice_search(np.zeros(100), cuts, fewest=5) == ()
