"""The first page says how much is luck, and for whom the model is worst."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Probes
from ml_platform.core.verdict import Outcome, Severity
from ml_platform.policy.by_chance import NOTHING
from ml_platform.reports.content import Content
from ml_platform.reports.how_sure import luck_line, weakest_line
from ml_platform.reports.measured_rows import MeasuredRows
from ml_platform.reports.summary import tiles
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.verdicts import verdict
from ml_platform_tests.reports.world import measurements, world


def one(metric: str, value: float | None, **more: object) -> Measurement:
    return Measurement(**{"metric": metric, "value": value, "n": 300, "unit": "share", **more})  # type: ignore[arg-type]


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return world(FakeStore(tmp_path), measurements(), probes=Probes()).content()


def with_(content: Content, *found: Measurement) -> Content:
    return dataclasses.replace(content, measurements=(*content.measurements, *found))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (one("seed_flip_share", 0.031, low=0.02, high=0.04), "Another seed would decide 3.1 % [2 %, 4 %] of the cases"),
        (one("seed_flip_share", None, reason=NOTHING), "Nothing in this learner is drawn by chance: no seed was"),
        (one("seed_flip_share", None, reason="one class"), "One class: other seeds weren't compared."),
        (one("seed_change_share", 0.2), "Another seed would move a prediction by 20 % of the mean error."),
        (one("permutation_p_value", 0.025), "with a probability of 0.025."),
        (one("accuracy", 0.5), "How much of it is luck wasn't measured."),
    ],
)
def test_luck_is_said_in_a_line(content: Content, found: Measurement, said: str) -> None:
    assert said in luck_line(with_(content, found))


def test_a_fast_evaluation_tried_no_luck(tmp_path: Path) -> None:
    assert "evaluated fast" in luck_line(world(FakeStore(tmp_path)).content())


def test_the_slice_that_is_surely_weakest_and_the_group_treated_worst_are_named(content: Content) -> None:
    slices = [
        one("weak_slice_log_loss", 0.9, low=-0.1, high=2.0, subject="few rows"),
        one("weak_slice_log_loss", 0.4, low=0.2, high=0.6, subject="crew = a"),
    ]
    gap = one("gap", 0.1, low=0.05, high=0.2, subject="crew=a vs crew=b", facts={"group": 0.1, "reference": 0.2})
    unfair = dataclasses.replace(
        verdict(Outcome.FAILED, worst=gap), control="FAIRNESS", severity=Severity.WARN, gate="rates_are_similar"
    )
    said = weakest_line(dataclasses.replace(with_(content, *slices), verdicts=(unfair,)))
    assert "weakest where crew = a: there the loss is 40 % [20 %, 60 %] above what all others have" in said
    assert "“Rates are similar”; crew=a 0.1 is lower than crew=b 0.2 (gap 0.1 [0.05, 0.2], n = 300)" in said
    misjudged = one("weak_slice_surprise", 0.3, low=0.1, high=0.5, subject="crew = b")
    assert "crew = b: there the loss is 30 % [10 %, 50 %] above what its own" in weakest_line(
        with_(content, *slices, misjudged)
    )
    none = weakest_line(dataclasses.replace(with_(content, slices[0]), verdicts=()))
    assert none == "No slice of the holdout is surely worse than the rest."
    assert "Neither" in weakest_line(dataclasses.replace(content, verdicts=()))


def test_declared_costs_are_on_the_first_page(content: Content) -> None:
    costly = with_(content, one("expected_cost", 0.412), one("expected_cost_gain", 0.2, low=0.1, high=0.3))
    shown = {tile.name: tile.number for tile in tiles(costly, MeasuredRows(costly))}
    assert (shown["Cost per case"], shown["Saved per case"]) == ("0.412", "0.200")
