"""The report of numbers and of several classes: its figures, tiles and comparisons."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ml_platform.core.curves import AnyCurves, CalibrationBin, ClassCurves, NumberBin, NumberCurves
from ml_platform.core.measurement import Measurement
from ml_platform.orchestration.pictures import evaluation_pictures
from ml_platform.policy.spec import ModelSpec
from ml_platform.reports.figures import curve_figures
from ml_platform.reports.html import html_page
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
                "What drives the scores?",
            ],
        ),
        (
            "multiclass",
            CLASSES,
            ["Which class is taken for which?", "Is the decided class as sure as it says?", "What drives the scores?"],
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
