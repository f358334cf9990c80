"""What a trial's monitors saw, in words that a person reads."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.rollout_monitors import ERRORS, MIRRORED, OUTCOMES, P95, RATIO, SCORES
from ml_platform.stages.rollout_words import chance, named, said, sides


def measured(
    metric: str, value: float | None = 0.01, *, n: int = 1200, facts: Mapping[str, Fact] | None = None
) -> Measurement:
    low, high = (None, None) if value is None else (-0.002, 0.021)
    return Measurement(metric=metric, value=value, low=low, high=high, n=n, facts=facts or {})


BOTH: dict[str, Fact] = {"challenger": 0.02, "champion": 0.01}
SLOW: dict[str, Fact] = {"quantile_challenger": 0.0123, "quantile_champion": 0.0045}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            measured(ERRORS, facts=BOTH),
            "errors, of the requests: 2% against 1%, a difference of +1% [-0.2%, +2.1%] (n = 1,200)",
        ),
        (
            measured(ERRORS, 0.0, facts={"challenger": 0.0, "champion": 0.0}),
            "errors, of the requests: 0% against 0%, a difference of 0% ",
        ),
        (
            measured(P95, facts=BOTH | SLOW),
            "latency p95: 12.3 ms against 4.5 ms, a difference of +1% slower [-0.2%, +2.1%]",
        ),
        (
            measured(SCORES, facts=BOTH | {"quantile": 0.9}),
            "scores above the champion's 90% quantile: 2% against 1%, a difference of +1% [",
        ),
        (measured(OUTCOMES, facts=BOTH), "loss: 0.02 against 0.01, a difference of 0.01 [-0.002, 0.021]"),
        (measured(OUTCOMES, None, n=0), "loss: not known (no outcome has come yet; n = 0)"),
        (measured(P95, None), "latency p95: not known (no value; n = 1,200)"),
        (measured(MIRRORED, 0.97), "mirrored requests: 97% [-0.2%, 2.1%] (n = 1,200)"),
        (
            measured(RATIO, facts={"arm": 0, "share": 0.11, "expected": 0.1}),
            "requests of the challenger: 11% against 10% stated, a difference of 1% [",
        ),
        (
            measured(RATIO, facts={"arm": 1, "share": 0.89, "expected": 0.9}),
            "requests of the challenger: 11% against 10% stated",
        ),
    ],
)
def test_each_monitor_says_both_numbers_their_difference_and_how_sure_it_is(one: Measurement, words: str) -> None:
    assert said(one).startswith(words)


def test_a_table_shows_plain_numbers_and_says_in_the_name_what_they_are_shares_of() -> None:
    assert (named(measured(ERRORS, facts=BOTH)), sides(measured(ERRORS, facts=BOTH))) == (
        "errors, of the requests",
        ("2%", "1%"),
    )
    assert sides(measured(RATIO, None)) == sides(measured(MIRRORED, 0.97)) == ("", "")


def test_what_chance_is_is_never_written_as_a_long_row_of_zeros() -> None:
    assert [chance(one) for one in (0.5, 0.00011, 1e-93, None)] == [
        "p = 0.5 at any look", "p = 0.00011 at any look", "p < 0.0001 at any look", "p isn't known",
    ]  # fmt: skip
