"""What another doubling of the rows would save is said with an interval, and is shrunk as earlier savings were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import curve_fit

from ml_platform.stats.next_saving import next_saving

RNG = np.random.default_rng(4)
ROWS = RNG.exponential(size=2_000)
SIZES = 2_500 * 2.0 ** np.arange(5)


def columns(means: np.ndarray, noise: float = 0.3) -> list[np.ndarray]:
    return [ROWS / ROWS.mean() * mean + noise * mean * RNG.normal(size=ROWS.size) for mean in means]


def test_a_power_law_goes_on_as_scipy_says() -> None:
    law = 0.3 + 3.0 * SIZES**-0.4
    noise = RNG.normal(size=(ROWS.size, 4))
    found = next_saving(list((law[:4] + noise - noise.mean(axis=0)).T))
    fitted, _ = curve_fit(lambda n, a, b, c: a + b * n**-c, SIZES[:4], law[:4], p0=(0.2, 1.0, 0.5))
    ahead = 1 - (fitted[0] + fitted[1] * SIZES[4] ** -fitted[2]) / law[3]
    assert found.value == pytest.approx(1 - law[4] / law[3], rel=0.02)
    assert found.value == pytest.approx(ahead, rel=0.02)
    assert float(found.facts["shrinkage"] or 0) == pytest.approx(2**-0.4, abs=0.006)


def test_savings_of_three_one_and_four_percent_dont_promise_more_than_the_last() -> None:
    means = 0.4 * np.cumprod([1.0, 1 - 0.033, 1 - 0.010, 1 - 0.043])
    found = next_saving(columns(means, noise=0.02))
    assert (found.value or 0) < 0.043
    assert (found.low or 0) < 0.02
    assert float(found.facts["roughness"] or 0) > 1


def test_the_interval_holds_what_comes_about_as_often_as_it_says() -> None:
    law = 0.3 + 10.0 * SIZES**-0.7
    held = 0
    for _ in range(60):
        found = next_saving(columns(law[:4]))
        held += (found.low or 0) <= 1 - law[4] / law[3] <= (found.high or 0)
    assert held >= 53


def test_entities_widen_it_and_what_saves_nothing_promises_nothing() -> None:
    noise = RNG.normal(size=(ROWS.size, 4))
    flat = list((0.5 + noise - noise.mean(axis=0)).T)
    alone = next_saving([np.repeat(one, 2) for one in flat])
    together = next_saving([np.repeat(one, 2) for one in flat], entity=np.repeat(np.arange(ROWS.size), 2))
    assert (together.high or 0) - (together.low or 0) > 1.2 * ((alone.high or 0) - (alone.low or 0))
    assert (together.low or 0) <= 0.0 <= (together.high or 0)
    assert next_saving([np.ones(5) + np.arange(5) / 10] * 4).value == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("losses", "entity", "said"),
    [
        ([], None, "0 trainings"),
        ([[1.0, 2.0]] * 3, None, "3 trainings"),
        ([[1.0, float("nan")]] * 4, None, "losses"),
        ([[1.0]] * 4, None, "one row or entity"),
        ([[1.0, 2.0]] * 4, ["a", "a"], "one row or entity"),
        ([[1.0, 2.0]] * 4, ["a", None], "no entity"),
        ([[0.0, 0.0]] * 4, None, "no loss left"),
    ],
)
def test_what_cant_be_told_is_undefined(losses: list[list[float]], entity: Any, said: str) -> None:
    found = next_saving(losses, entity=entity)
    assert (found.value, said in found.reason) == (None, True)
