from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.measurement import Measurement
from ml_platform.reports.calibration_plot import calibration_plot
from ml_platform.reports.forest_plot import Forest, ForestRow, forest_plot
from ml_platform.reports.importance_plot import Share, importance_plot
from ml_platform.reports.interval_bar import HEIGHT, WIDTH, interval_bar
from ml_platform.reports.limits import Allowed, allowed_by
from ml_platform.reports.proof_plot import Proof, proof_plot
from ml_platform.reports.rates_plot import RatesRow, rates_plot
from ml_platform.reports.roc_plot import roc_plot
from ml_platform.reports.score_plot import score_plot
from ml_platform.reports.svg import Scale, element, ticks
from ml_platform_tests.policy.gates_of import at_least, at_most, between, holds
from ml_platform_tests.reports.verdicts import HOSTILE
from ml_platform_tests.reports.world import CURVES

finite = st.floats(-1e9, 1e9)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  our own picture


def texts(text: str) -> list[str]:
    return [found for each in parsed(text).iter("text") if (found := "".join(each.itertext()))]


def test_text_and_attributes_are_escaped() -> None:
    found = element("text", "<b>", element("tspan", "&"), class_='"x"', stroke_width=1.234)
    assert str(found) == '<text class="&#34;x&#34;" stroke-width="1.23">&lt;b&gt;<tspan>&amp;</tspan></text>'


@given(finite, finite, st.integers(2, 9))
def test_ticks_are_round_few_and_within_the_range(low: float, high: float, about: int) -> None:
    found = ticks(low, high, about)
    assert len(found) <= 2 * about + 2
    assert all(low - 1e-6 * (high - low) <= tick <= high + 1e-6 * (high - low) for tick in found)


def test_an_empty_range_has_no_ticks() -> None:
    assert ticks(1.0, 1.0) == ticks(0.0, float("nan")) == ()


@given(finite, finite, finite)
def test_a_scale_never_leaves_its_places(low: float, high: float, value: float) -> None:
    assert 10 <= Scale(low, high, 10, 50)(value) <= 50


@given(finite, finite, finite, st.sampled_from([at_least(0.5), at_most(-3), between(0, 1), at_least(0)]))
def test_an_interval_bar_stays_in_its_box(value: float, low: float, high: float, gate: object) -> None:
    allowed = allowed_by(gate)  # type: ignore[arg-type]
    assert allowed is not None
    drawn = parsed(interval_bar(Measurement(metric="m", value=value, low=low, high=high, n=1), allowed, "passed"))
    for dot in drawn.iter("circle"):
        assert 0 <= float(dot.attrib["cx"]) <= WIDTH
    for bar in drawn.iter("rect"):
        assert 0 <= float(bar.attrib["x"]) <= float(bar.attrib["x"]) + float(bar.attrib["width"]) <= WIDTH + 0.01
        assert 0 <= float(bar.attrib["y"]) <= HEIGHT


def test_without_a_value_there_is_no_bar_and_a_fact_has_no_limit() -> None:
    assert not interval_bar(Measurement(metric="m", value=None, n=0), Allowed(low=0.0), "undecided")
    assert allowed_by(holds()) is None


def test_the_dot_of_a_value_beyond_the_limit_lies_beyond_its_line() -> None:
    drawn = parsed(interval_bar(Measurement(metric="m", value=0.3, n=9), Allowed(low=0.5), "failed"))
    (dot,), (limit,) = drawn.iter("circle"), drawn.iter("line")
    assert float(dot.attrib["cx"]) < float(limit.attrib["x1"])


def test_a_roc_plot_shows_the_champion_only_where_there_is_one() -> None:
    alone = roc_plot(CURVES, area="AUC 0.77", chosen=(0.2, 0.6))
    both = roc_plot(replace(CURVES, champion_roc=((0.0, 0.0), (1.0, 1.0))))
    assert "AUC 0.77" in texts(alone)
    assert "threshold 0.4" in texts(alone)
    assert "live version" not in texts(alone)
    assert "live version" in texts(both)


def test_a_calibration_plot_has_a_dot_and_a_line_per_bin() -> None:
    drawn = parsed(calibration_plot(CURVES))
    assert [each.attrib["class"] for each in drawn.iter("circle")] == ["dot"]
    assert sum(each.attrib["class"] == "interval" for each in drawn.iter("line")) == 1


def test_curves_without_points_can_be_drawn() -> None:
    bare = replace(CURVES, roc=(), calibration=())
    assert not list(parsed(calibration_plot(bare)).iter("circle"))
    assert "threshold" not in "".join(texts(roc_plot(bare)))


def test_a_score_plot_has_a_bar_per_class_and_bin() -> None:
    bars = [each.attrib["class"] for each in parsed(score_plot(CURVES)).iter("rect")]
    assert bars == ["positive", "positive", "negative", "negative"]


def test_scores_of_one_class_only_can_be_drawn() -> None:
    one = replace(CURVES, positives=(0, 0))
    assert "outcome true (n = 0)" in texts(score_plot(one))


@pytest.mark.parametrize(("features", "bars"), [(1, 1), (12, 12), (13, 13), (40, 12)])
def test_few_features_are_shown_and_the_others_added_up(features: int, bars: int) -> None:
    found = importance_plot([Share(feature=f"f{number}", value=1 / features) for number in range(features)])
    assert len(list(parsed(found).iter("rect"))) == bars
    assert ("29 others" in texts(found)) == (features == 40)


def test_a_forest_says_each_limit_once_and_whether_it_only_warns() -> None:
    rows = [ForestRow(name="a", value=0.1, low=0.0, high=0.2), ForestRow(name="b", note="one class only")]
    limits = [Allowed(high=0.1, warns=True), Allowed(high=0.2), Allowed(high=0.2, warns=True)]
    found = texts(forest_plot(Forest(rows=rows, limits=limits, name="gaps")))
    assert [text for text in found if "0.1" in text or "limit" in text][-2:] == ["warns at 0.1", "limit 0.2"]
    assert "one class only" in found


def test_a_forest_without_any_number_can_be_drawn() -> None:
    assert "nothing measured" in texts(
        forest_plot(Forest(rows=[ForestRow(name="a", note="nothing measured")], name="x"))
    )


def test_proofs_are_drawn_as_long_as_what_they_have_proven() -> None:
    found = parsed(proof_plot([Proof(name="errors", within=1.0, worse=0.25)]))
    widths = {each.attrib["class"]: float(each.attrib["width"]) for each in found.iter("rect")}
    assert widths["positive"] * 4 == widths["negative"] == widths["track"]
    assert texts(proof_plot([Proof(name="errors", within=1.0, worse=0.25)]))[-4:] == [
        "within the margin", "100%", "worse", "25%",
    ]  # fmt: skip


def test_rates_are_labelled_with_their_groups() -> None:
    found = texts(
        rates_plot([RatesRow(name="crew", rates={}), RatesRow(name="found", rates={"a": 0.2, "b": 0.4})], title="t")
    )
    assert found[-4:] == ["found", "a", "b", "a: 20.0 %, b: 40.0 %"]


def test_hostile_names_stay_text_in_every_plot() -> None:
    clean = HOSTILE.replace("\x1b", "").replace("\x00", "").replace("\ud800", "")
    forest = Forest(rows=[ForestRow(name=clean, value=1.0, note=clean, anchor='"><x', says=clean)], name=clean)
    rates = [RatesRow(name=clean, rates={clean: 0.5})]
    for picture in (
        forest_plot(forest),
        importance_plot([Share(feature=clean, value=1.0)]),
        rates_plot(rates, title=clean),
    ):
        assert "<script" not in picture
        parsed(picture)
