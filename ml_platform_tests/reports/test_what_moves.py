"""What moves the score, in HTML, Markdown and JSON: shares, example decisions, curves; nothing of a person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ml_platform.core.explained import Example, Explained, Reason
from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Dependence, DependencePoint, Probes
from ml_platform.policy.gates import Gate
from ml_platform.reports.dependence_plot import dependence_plot
from ml_platform.reports.html import html_page
from ml_platform.reports.importance_plot import Share, importance_plot
from ml_platform.reports.measured_rows import MeasuredRows
from ml_platform.reports.reason_words import reason_text, score_text, sum_text
from ml_platform.reports.reasons_plot import reasons_plot
from ml_platform.reports.what_moves import what_moves
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.policy.gates_of import at_least, at_most
from ml_platform_tests.reports.world import CURVES, NOW, measurements, policy, world

HOSTILE = '</svg><script>alert("x")</script>&'
TOLD = Explained(
    row=812,
    score=0.62,
    decision="positive",
    average=-1.25,
    raw=0.5,
    unit="log-odds",
    reasons=(
        Reason(feature="distance", value="1,400", contribution=1.0),
        Reason(feature="age", value="", contribution=0.5),
        Reason(feature="wind", value="", contribution=0.35, known=False),
    ),
    others=-0.1,
    features_left=7,
    uncalibrated=0.62,
)


def point(at: float | None, score: float, *, level: str = "", rank: float = 0.5, n: int = 10) -> DependencePoint:
    return DependencePoint(
        at=at, level=level, rank=rank, score=score, low=score - 0.02, high=score + 0.02, rows_low=score - 0.1,
        rows_high=score + 0.1, n=n,
    )  # fmt: skip


LOAD = Dependence(feature="load", points=(point(0.0, 0.2), point(10.0, 0.3), point(40.0, 0.5)), against=0.04, rows=300)
SITE = Dependence(
    feature="site", of="late", points=(point(None, 0.3, level="north"), point(None, 0.4, level="level 2")),
    against=None, rows=300,
)  # fmt: skip
AGE = Dependence(
    feature="age", points=(point(None, 0.3, rank=0.1), point(None, 0.35, rank=0.9, n=0)), against=0.0, rows=300
)
FOUND = [
    *measurements(),
    Measurement(metric="feature_share", subject="load", value=0.7, low=0.66, high=0.74, n=300, unit="share"),
    Measurement(metric="feature_share", subject="wind", value=0.3, low=0.26, high=0.34, n=300, unit="share"),
    Measurement(metric="explanation_stability", value=0.93, low=0.9, high=0.96, n=300, unit="share"),
    Measurement(metric="importance_agreement", value=0.94, low=0.9, high=0.97, n=300, unit="share"),
    Measurement(metric="partial_dependence", subject="load", value=0.31, low=0.29, high=0.33, n=300),
    Measurement(metric="against_average_share", subject="load", value=0.04, low=0.02, high=0.06, n=300, unit="share"),
    Measurement(metric="partial_dependence", subject="wind, probability of late", value=0.11, low=0.1, high=0.2, n=300),
]
PROBES = Probes(dependence=(LOAD, SITE, AGE), examples=(Example(kind="a clear yes", told=TOLD),))


def texts(picture: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(picture).iter("text")]  # noqa: S314 - our own picture


def shapes(picture: str, class_: str) -> int:
    return sum(each.attrib.get("class") == class_ for each in ET.fromstring(picture).iter())  # noqa: S314


def test_the_chapter_shows_shares_decisions_and_curves_in_each_form(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), FOUND, probes=PROBES)
    page, markdown = told.file("html"), told.file("md")
    for said in ("What moves the score", "A clear yes", "holdout row 812", "0.62: positive", "distance = 1,400"):
        assert said in page
    assert "average -1.25, these +1.85, 7 other features -0.1: 0.5 (log-odds), which is 0.62" in page
    assert "## What moves the score" in markdown
    assert "| load | 70.0 % | [66, 74] % |" in markdown
    assert "distance = 1,400 raises it by 1 (log-odds); age raises it by 0.5" in markdown
    assert "| load | 0.7 [0.66, 0.74] | 0.31 [0.29, 0.33] | 0.04 [0.02, 0.06] |" in markdown
    assert "| wind, probability of late | 0.3 [0.26, 0.34] | 0.11 [0.1, 0.2] | - |" in markdown
    assert json.loads(told.file("json"))["probes"]["examples"][0]["told"]["row"] == 812


def test_every_number_of_the_chapter_leads_to_its_measurement(tmp_path: Path) -> None:
    content = world(FakeStore(tmp_path), FOUND, probes=PROBES).content()
    moves = what_moves(content, MeasuredRows(content))
    assert moves is not None
    linked = [cell.anchor for row in (*moves.stable, *moves.features) for cell in row if cell.anchor]
    page = html_page(content, now=NOW)
    assert len(linked) == 7
    assert all(f'id="{anchor}"' in page for anchor in linked)


def test_a_fast_evaluation_shows_the_shares_alone(tmp_path: Path) -> None:
    content = world(FakeStore(tmp_path), FOUND[:7]).content()
    moves = what_moves(content, MeasuredRows(content))
    assert moves is not None
    assert (moves.examples, moves.dependence, moves.stable, moves.features) == ((), None, (), ())
    assert "Decisions, and why" not in html_page(content, now=NOW)


def test_shares_that_were_drawn_and_not_measured_are_shown_without_intervals(tmp_path: Path) -> None:
    content = world(FakeStore(tmp_path)).content()
    moves = what_moves(content, MeasuredRows(content))
    assert moves is not None
    assert moves.shares == (("load", "70.0 %", ""), ("wind", "30.0 %", ""))


@pytest.mark.parametrize("curves", [None, replace(CURVES, importance={})])
def test_where_nothing_was_explained_there_is_no_chapter(tmp_path: Path, curves: object) -> None:
    told = world(FakeStore(tmp_path), curves=curves)  # type: ignore[arg-type]
    assert what_moves(told.content(), MeasuredRows(told.content())) is None
    assert "What moves the score" not in told.file("html") + told.file("md")


def test_the_limit_of_a_gate_is_drawn_at_the_features_that_it_names(tmp_path: Path) -> None:
    gates: dict[str, Gate] = {
        "load_matters": at_least(0.02, metric="feature_share", subjects=("load",)),
        "none_is_all": at_most(0.8, metric="feature_share"),
    }
    content = replace(world(FakeStore(tmp_path), FOUND).content(), policy=policy(**gates))
    moves = what_moves(content, MeasuredRows(content))
    assert moves is not None
    assert moves.importance is not None
    assert shapes(moves.importance.picture, "limit") == 3
    assert shapes(moves.importance.picture, "whisker") == 2


def test_reasons_are_said_in_words() -> None:
    said = [reason_text(reason, TOLD.unit) for reason in TOLD.reasons]
    assert said == [
        "distance = 1,400 raises it by 1 (log-odds)",
        "age raises it by 0.5 (log-odds)",
        "wind missing raises it by 0.35 (log-odds)",
    ]
    assert score_text(replace(TOLD, decision="", score=12.5)) == "12.5"
    assert score_text(replace(TOLD, threshold=0.4)) == "0.62: positive (from 0.4 on)"
    unlikely = replace(TOLD, threshold=0.4, score=0.31, decision="negative")
    assert score_text(unlikely) == "0.31: negative (positive from 0.4 on)"


def test_the_sum_says_what_calibration_came_after() -> None:
    assert sum_text(replace(TOLD, calibration="isotonic")).endswith("which is 0.62, before calibration (isotonic)")
    number = replace(TOLD, raw=0.5, uncalibrated=0.5, unit="", reasons=TOLD.reasons[:1], features_left=0)
    assert sum_text(number) == "average -1.25, this +1: 0.5"
    assert sum_text(replace(TOLD, reasons=())).startswith("average -1.25, 7 other features -0.1: 0.5")


def test_reasons_are_bars_to_the_side_that_they_move_to() -> None:
    found = reasons_plot(TOLD)
    assert (shapes(found, "positive"), shapes(found, "negative")) == (3, 1)
    assert {"distance = 1,400", "age", "wind missing", "7 other features", "+0.35", "-0.1"} <= set(texts(found))
    still = replace(TOLD, reasons=(), others=0.0)
    assert texts(reasons_plot(still)) == ["7 other features", "+0"]
    assert texts(reasons_plot(replace(still, features_left=0))) == []


def test_curves_share_their_scale_and_say_where_rows_are() -> None:
    found = dependence_plot([LOAD, SITE, AGE, LOAD])
    said = texts(found)
    assert said.count("load") == 2
    assert "4 % of rows go the other way" in said
    assert "probability of late" in said
    assert {"north", "2"} <= set(said)  # a masked level is its number
    assert shapes(found, "dot") == 3 + 2 + 2 + 3
    assert shapes(found, "before") == 10
    assert shapes(found, "sure") == 3
    assert said.count("0.2") == 2  # once per line of plots


def test_hidden_values_are_places_in_their_order() -> None:
    said = texts(dependence_plot([AGE]))
    assert {"10 %", "90 %", "of rows (values hidden)"} <= set(said)


def test_a_curve_of_one_row_has_no_interval() -> None:
    flat = replace(
        LOAD,
        points=tuple(
            replace(each, score=0.2, low=None, high=None, rows_low=0.2, rows_high=0.2) for each in LOAD.points
        ),
    )
    assert "[" not in dependence_plot([flat])


def test_hostile_names_stay_text() -> None:
    told = replace(TOLD, reasons=(Reason(feature=HOSTILE, value=HOSTILE, contribution=1.0),))
    points = (point(None, 0.3, level=HOSTILE), point(None, 0.4, level="b"))
    curve = replace(SITE, feature=HOSTILE, of=HOSTILE, points=points)
    for picture in (reasons_plot(told), dependence_plot([curve]), importance_plot([Share(feature=HOSTILE, value=1.0)])):
        assert "<script" not in picture
        ET.fromstring(picture)  # noqa: S314 - our own picture
