"""The report of numbers and of several classes: its figures, tiles and comparisons."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ml_platform.core.curves import AnyCurves, CalibrationBin, ClassCurves, NumberBin, NumberCurves
from ml_platform.core.measurement import Measurement
from ml_platform.orchestration.pictures import evaluation_pictures
from ml_platform.policy.spec import ModelSpec
from ml_platform.reports.class_rows import class_rows
from ml_platform.reports.figures import curve_figures
from ml_platform.reports.group_figures import group_figures
from ml_platform.reports.html import html_page
from ml_platform.reports.measured_rows import MeasuredRows
from ml_platform.reports.report_markdown import markdown_page
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.page import read
from ml_platform_tests.reports.world import NOW, spec, world

NUMBERS = NumberCurves(
    predicted=(
        NumberBin(predicted=10.0, median=11.0, low=8.0, high=15.0, n=150),
        NumberBin(predicted=20.0, median=19.0, low=16.0, high=25.0, n=150),
    ),
    edges=(-5.0, 0.0, 5.0),
    errors=(120, 180),
    importance={"load": 1.0},
)
CLASSES = ClassCurves(
    classes=("early", "a<b"),
    confusion=((140, 10), (50, 100)),
    calibration=(CalibrationBin(predicted=0.8, observed=0.75, low=0.7, high=0.8, n=300),),
    importance={"load": 1.0},
)
TARGETS = {
    "regression": {"type": "number", "role": "target"},
    "multiclass": {"type": "category", "levels": ["early", "a<b"], "role": "target"},
}


def spec_of(task: str) -> ModelSpec:
    said = spec().model_dump(mode="json", exclude_none=True)
    contract = {**said["contract"], "late": TARGETS[task]}
    return spec(contract=contract, learner={**said["learner"], "objective": task})


def measured(task: str) -> list[Measurement]:
    own = "mean_absolute_error" if task == "regression" else "class_accuracy"
    return [
        Measurement(metric=own, value=0.7, low=0.6, high=0.8, n=300),
        Measurement(metric="loss_against_constant", value=-0.4, low=-0.5, high=-0.3, n=300, unit="share"),
        Measurement(metric="loss_against_champion", value=-0.1, low=-0.2, high=0.05, n=300, unit="share"),
        Measurement(metric="slice_loss_change", subject="crew=a", value=0.3, low=0.1, high=0.5, n=200),
        Measurement(metric="group_loss_gap", subject="crew=a vs crew=b", value=0.2, low=0.1, high=0.3, n=100),
    ]


@pytest.mark.parametrize(
    ("task", "curves", "titles"),
    [
        (
            "regression",
            NUMBERS,
            [
                "Does it happen as predicted?",
                "Where is it off, and in which direction?",
                "How large are the errors?",
            ],
        ),
        (
            "multiclass",
            CLASSES,
            ["Which class is taken for which?", "Is the decided class as sure as it says?"],
        ),
    ],
)
def test_a_report_shows_the_figures_of_what_is_predicted(
    tmp_path: Path, task: str, curves: AnyCurves, titles: list[str]
) -> None:
    one = world(
        FakeStore(tmp_path),
        measured(task),
        curves=msgspec.json.encode(curves),
        its_spec=spec_of(task),
        champion="f" * 64,
    )
    content = one.content()
    assert [figure.title for figure in curve_figures(content)] == titles
    page = html_page(content, now=NOW)
    text = " ".join(read(page).text.split())
    for said in (
        "Does it hold in every slice?",
        "Is every group predicted equally well?",
        "candidate's loss is lower by 0.1",
    ):
        assert said in text
    assert "a<b" not in page
    assert evaluation_pictures(content.spec.learner.task, one.store, one.evaluation).count("data:image/svg+xml") == 2


def test_every_class_has_its_line_with_intervals_and_what_is_undefined_says_why(tmp_path: Path) -> None:
    found = [
        Measurement(metric="class_recall", subject="early", value=0.9, low=0.8, high=0.95, n=150),
        Measurement(metric="class_recall", subject="a<b", value=0.0, low=0.0, high=0.03, n=150),
        Measurement(metric="class_precision", subject="early", value=0.5, low=0.4, high=0.6, n=300),
        Measurement(metric="class_precision", subject="a<b", value=None, n=0, reason="nothing was decided so"),
        Measurement(metric="macro_recall", value=0.45, low=0.4, high=0.5, n=300),
    ]
    content = world(
        FakeStore(tmp_path), found, curves=msgspec.json.encode(CLASSES), its_spec=spec_of("multiclass")
    ).content()
    rows = class_rows(content, MeasuredRows(content))
    assert [row.texts[:5] for row in rows] == [
        ("early", "150", "300", "0.9 [0.8, 0.95]", "0.5 [0.4, 0.6]"),
        ("a<b", "150", "0", "0 [0, 0.03]", "undefined"),
        ("mean over classes", "300", "300", "0.45 [0.4, 0.5]", "-"),
    ]
    assert rows[1].cells[1].why == "nothing was decided so"
    page = read(html_page(content, now=NOW))
    assert {f"#{cell.anchor}" for row in rows for cell in row.cells if cell.anchor} <= set(page.links)
    assert "| early | 150 | 300 | 0.9 [0.8, 0.95] |" in markdown_page(content, now=NOW)


def test_groups_rates_of_each_class_are_drawn_beside_each_other(tmp_path: Path) -> None:
    gap = Measurement(
        metric="class_selection_rate_difference", subject="early: crew=a vs crew=b", value=0.2, low=0.1, high=0.3,
        n=100, facts={"group": 0.3, "reference": 0.5, "class": "early"},
    )  # fmt: skip
    content = world(
        FakeStore(tmp_path), [gap], curves=msgspec.json.encode(CLASSES), its_spec=spec_of("multiclass")
    ).content()
    rates, comparison = group_figures(content, MeasuredRows(content))
    assert "decided early" in rates.picture
    assert "a: 30.0 %, b: 50.0 %" in rates.picture
    assert comparison.title == "Is every class decided alike often in every group?"


def test_numbers_have_no_lines_of_classes(tmp_path: Path) -> None:
    content = world(FakeStore(tmp_path), measured("regression"), its_spec=spec_of("regression")).content()
    assert class_rows(content, MeasuredRows(content)) == ()
    assert "Each class" not in markdown_page(content, now=NOW)


def test_errors_on_one_side_only_are_drawn_without_a_line_of_none(tmp_path: Path) -> None:
    import dataclasses

    curves = dataclasses.replace(NUMBERS, edges=(1.0, 2.0, 3.0))
    one = world(
        FakeStore(tmp_path), measured("regression"), curves=msgspec.json.encode(curves), its_spec=spec_of("regression")
    )
    assert 'class="limit"' not in str(curve_figures(one.content())[2].picture)


def test_curves_that_lack_something_say_what_isnt_drawn(tmp_path: Path) -> None:
    import dataclasses

    for task, curves, lacking in (
        ("regression", dataclasses.replace(NUMBERS, importance={}), "importance of features"),
        ("multiclass", dataclasses.replace(CLASSES, calibration=()), "calibration"),
    ):
        store = FakeStore(tmp_path / task)
        content = world(store, measured(task), curves=msgspec.json.encode(curves), its_spec=spec_of(task)).content()
        assert content.left_out == (f"No plot of the {lacking}: the evaluation has none.",)
