from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.reports.html import TEMPLATES
from ml_platform.reports.measured_rows import MeasuredRows
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.verdicts import HOSTILE
from ml_platform_tests.reports.world import CURVES, NOW, World, deployed, measurements, spec, without, world


@pytest.fixture
def one(tmp_path: Path) -> World:
    return world(FakeStore(tmp_path))


def test_three_files_lie_under_the_digest_of_what_they_say(one: World) -> None:
    written = one.write()
    folder = f"reports/{written.record.digest}"
    assert written.record.files == {
        "html": f"{folder}/report.html", "md": f"{folder}/report.md", "json": f"{folder}/report.json",
    }  # fmt: skip
    assert all((one.store.home / path).is_file() for path in written.record.files.values())
    assert written.record.evaluation_digest == one.evaluation.digest
    assert not written.unchanged


def test_the_same_content_later_is_the_same_report(one: World) -> None:
    first, second = one.write(), one.write(NOW + dt.timedelta(days=1))
    assert second.record == first.record
    assert second.unchanged


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, live=deployed()),
        lambda one: without(one, "rows_are_many"),
        lambda one: replace(one, spec=spec(purpose="Another purpose.")),
        lambda one: replace(one, policy=None),
    ],
    ids=["live", "verdicts", "purpose", "policy"],
)
def test_other_content_is_another_report(one: World, change: Callable[[World], World]) -> None:
    assert change(one).write().record.digest != one.write().record.digest


def test_the_json_holds_the_decision_every_verdict_and_every_measurement(one: World) -> None:
    told = json.loads(one.file("json"))
    assert told["schema_version"] == 1
    assert told["decision"]["outcome"] == "passed"
    assert len(told["verdicts"]) == len(one.verdicts)
    assert [each["metric"] for each in told["measurements"]] == [each.metric for each in measurements()]
    assert told["rows"]["holdout"] == 300
    assert told["evaluation"]["digest"] == one.evaluation.digest


def test_the_markdown_holds_the_first_page_and_the_tables(one: World) -> None:
    told = one.file("md")
    assert told.startswith("# toy: May be released, with 2 warnings\n")
    for said in (
        "## What it is worth",
        "| ✓ passed | model | trees_are_text |",
        "| slice_auc | crew=b |",
        "| seed | 7 |",
    ):
        assert said in told


def test_a_closed_gate_is_in_the_markdown_with_what_to_do(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), measurements(ratio=0.5)).file("md")
    assert "- ✗ **rates_are_similar** failed" in told
    assert "  - do: do this" in told


def test_hostile_names_stay_text_in_the_markdown(tmp_path: Path) -> None:
    hostile = HOSTILE.replace("\ud800", "")
    told = world(FakeStore(tmp_path), measurements(crew=hostile), its_spec=spec(purpose=hostile)).file("md")
    assert "<script" not in told
    assert "](javascript" not in told


def test_records_of_another_model_are_refused(one: World) -> None:
    with pytest.raises(DataInvalid, match="a report is about one model"):
        replace(one, evaluation=replace(one.evaluation, model_digest="0" * 64)).write()
    with pytest.raises(DataInvalid, match="a report is about one model"):
        replace(one, model=replace(one.model, model="other")).write()


def test_an_evaluation_that_is_gone_or_altered_is_refused(one: World) -> None:
    with pytest.raises(Unavailable):
        replace(one, evaluation=replace(one.evaluation, digest="0" * 64)).write()
    (one.store.home / "evaluations" / one.evaluation.digest / "curves.json").write_text("{}")
    with pytest.raises(DataInvalid, match="altered"):
        one.write()


def test_measurements_that_cannot_be_read_are_refused(one: World) -> None:
    digest = "7" * 64
    one.store.put("evaluations", digest, {"measurements.json": b'[{"metric": 3}]'})
    with pytest.raises(DataInvalid, match="materialise `evaluation` again"):
        replace(one, evaluation=replace(one.evaluation, digest=digest)).write()


@pytest.mark.parametrize(
    ("curves", "said"),
    [(None, "holds no curves"), (b"{}", "can't be read"), (b"no JSON", "can't be read")],
)
def test_curves_that_cannot_be_drawn_are_left_out_and_that_is_said(
    tmp_path: Path, curves: bytes | None, said: str
) -> None:
    (told,) = json.loads(world(FakeStore(tmp_path), curves=curves).file("json"))["left_out"]
    assert said in told


def test_templates_travel_with_the_package() -> None:
    names = {path.name for path in TEMPLATES.iterdir()}
    assert {"report.html.j2", "report.css", "summary.html.j2", "gates.html.j2"} <= names


def test_curves_of_another_version_are_not_guessed_at(tmp_path: Path) -> None:
    (told,) = json.loads(world(FakeStore(tmp_path), curves=replace(CURVES, schema_version=2)).file("json"))["left_out"]
    assert told == "No plots of the scores: the curves are of version 2, this report reads version 1."


def test_a_curve_without_points_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), curves=replace(CURVES, roc=(), importance={}))
    assert told.content().left_out == (
        "No plot of the ROC curve: the evaluation has none.",
        "No plot of the importance of features: the evaluation has none.",
    )
    assert "How well does it tell outcomes apart?" not in told.file("html")


def test_facts_beside_a_measurement_are_said_in_words(tmp_path: Path) -> None:
    facts: dict[str, Fact] = {
        "git_dirty": True,
        "missing": None,
        "tree_digest": "a" * 64,
        "rows": 12345.0,
    }
    one = world(FakeStore(tmp_path), [*measurements(), Measurement(metric="brier", value=0.1, n=9, facts=facts)])
    rows = MeasuredRows(one.content()).by_stage()["evaluation"]
    told = next(row.facts for row in rows if row.measurement.metric == "brier")
    assert told == "git dirty yes, tree digest aaaaaaaaaaaa, rows 12,345"
