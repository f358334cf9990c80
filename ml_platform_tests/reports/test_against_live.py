"""The report says what a candidate gains over what is live, how small a gain could be seen, and where it got worse."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.page import read
from ml_platform_tests.reports.world import measurements, world

FACTS = {"candidate": 0.81, "champion": 0.83, "p_value": 1.405225172415929e-21, "smallest_detectable": 0.0042}


def gain(subject: str, value: float | None, **more: float) -> Measurement:
    return Measurement(metric="gain_over_champion", subject=subject, value=value, n=300, facts=FACTS, **more)  # type: ignore[arg-type]


def slice_of(subject: str, value: float, p_holm: float, low: float) -> Measurement:
    return Measurement(
        metric="slice_loss_against_champion", subject=subject, value=value, low=low, high=value + 0.1, n=150,
        facts={"p_holm": p_holm, "slices_tested": 2},
    )  # fmt: skip


FOUND = [
    *measurements(),
    Measurement(metric="roc_auc_difference", value=-0.02, low=-0.03, high=-0.015, n=300, facts=FACTS),
    gain("accuracy", -0.011, low=-0.02, high=-0.002),
    gain("expected_cost", None),
    slice_of("crew = a", 0.21, 0.003, 0.05),
    slice_of("crew = b", -0.1, 1.0, -0.2),
]


def test_each_respect_is_a_row_with_both_models_the_gain_and_what_could_have_been_seen(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), FOUND, champion="f" * 64)
    html, text = told.file("html"), told.file("md")
    for form in (html, text):
        assert "Against what is live" in form
        assert "decisions that are right" in form
        assert "gain that would show" in form
        assert "405225172415929e-21" not in form.split("Where did it get worse")[0].split("Against what is live")[-1]
    row = next(line for line in text.splitlines() if line.startswith("| ranking"))
    assert [part.strip() for part in row.split("|")[2:7]] == ["0.81", "0.83", "-0.02", "[-0.03, -0.015]", "&lt; 0.0001"]
    assert set(read(html).ids) >= {"against-live", "slices-against-live"}


def test_slices_that_got_worse_are_named_and_counted_as_many_comparisons(tmp_path: Path) -> None:
    text = world(FakeStore(tmp_path), FOUND, champion="f" * 64).file("md")
    chapter = text.split("## Where did it get worse")[1].split("\n## ")[0]
    assert "crew = a" in chapter
    assert "crew = b" not in chapter
    assert "1 of 2 slices surely got worse." in chapter


def test_where_nothing_got_worse_that_is_said(tmp_path: Path) -> None:
    text = world(FakeStore(tmp_path), [*FOUND[:-2], FOUND[-1]], champion="f" * 64).file("md")
    assert "none has a larger loss" in text
    assert "No slice surely got worse." in text


def test_the_gates_on_the_champion_that_apply_are_said_beneath_with_their_limits(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), FOUND, champion="f" * 64)
    beneath = "no_worse_than_live (needed: "
    assert beneath not in told.file("md")
    judged = tuple(
        dataclasses.replace(one, outcome=Outcome.FAILED) if one.gate == "no_worse_than_live" else one
        for one in told.verdicts
    )
    assert beneath in dataclasses.replace(told, verdicts=judged).file("md")


def test_without_a_comparison_there_is_no_chapter(tmp_path: Path) -> None:
    assert "Against what is live" not in world(FakeStore(tmp_path)).file("html")
