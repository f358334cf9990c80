"""The chapter on luck, and chapters of probes as such: in HTML, Markdown and JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import CurvePoint, LearningCurve, Probes, SeedLoss
from ml_platform.policy.by_chance import NOTHING
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.world import measurements, world

CURVE = LearningCurve(
    points=tuple(CurvePoint(rows=75 * 2**step, loss=0.6 - 0.02 * step, low=0.5, high=0.7) for step in range(4)),
    next_doubling_would_save=0.0123,
    next_low=0.002,
    next_high=0.031,
)
SEEDS = (SeedLoss(own=True, loss=0.54, low=None, high=None), SeedLoss(own=False, loss=0.54, low=None, high=None))
FOUND = [
    *measurements(),
    Measurement(metric="seed_flip_share", value=0.031, low=0.02, high=0.04, n=300, unit="share"),
    Measurement(metric="permutation_p_value", value=None, n=300, reason="training rows: only one class"),
]
TITLE = "How much of it is luck, and would more rows help?"


def test_what_was_tried_is_said_in_every_form(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), FOUND, probes=Probes(seeds=SEEDS, learning_curve=CURVE))
    html, text = told.file("html"), told.file("md")
    said = "From 600 training rows on, as many again would save about 1.2 % of the loss (between 0.2 % and 3.1 %)"
    for form in (html, text):
        assert TITLE in form
        assert said in form
        assert "undefined: training rows: only one class" in form
    assert "Would another seed have done as well?" in html
    assert "Loss by the number of training rows" in html
    anchor = html.split(">0.031 share</a>")[0].rsplit('<a href="#', 1)[1].rstrip('"')
    assert f'id="{anchor}"' in html
    assert json.loads(told.file("json"))["probes"]["learning_curve"]["points"][0]["rows"] == 75


@pytest.mark.parametrize(
    ("saved", "low", "high", "said"),
    [
        (None, None, None, "can&#39;t be told"),
        (
            0.0,
            -0.01,
            0.02,
            "between -1 % and 2 % of the loss, if the curve goes on as it went: whether they would help isn",
        ),
        (-0.01, -0.02, -0.001, "more rows of the same kind won"),
    ],
)
def test_rows_that_arent_shown_to_save_arent_promised_to_help(
    tmp_path: Path, saved: float | None, low: float | None, high: float | None, said: str
) -> None:
    curve = dataclasses.replace(CURVE, next_doubling_would_save=saved, next_low=low, next_high=high)
    told = world(FakeStore(tmp_path), FOUND, probes=Probes(learning_curve=curve)).file("html")
    assert said in told
    assert "Would another seed have done as well?" not in told


def test_a_fast_evaluation_has_no_chapter(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path))
    assert TITLE not in told.file("html")
    assert "<td>fast</td>" in told.file("html") or "fast" in told.file("md")


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        (b"{}[", "No pictures of the probes: "),
        (
            Probes(schema_version=2),
            "No pictures of the probes: the probes are of version 2, this report reads version 1.",
        ),
    ],
)
def test_probes_that_cannot_be_read_are_left_out_and_that_is_said(
    tmp_path: Path, probes: Probes | bytes, said: str
) -> None:
    told = world(FakeStore(tmp_path), FOUND, probes=probes)
    (left_out,) = told.content().left_out
    assert left_out.startswith(said)
    assert TITLE in told.file("md")


def test_probes_that_are_gone_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), FOUND)
    told = dataclasses.replace(told, evaluation=dataclasses.replace(told.evaluation, profile="full"))
    assert told.content().left_out == ("No pictures of the probes: the evaluation holds no probes.",)


def test_the_contents_lead_to_every_chapter_and_gates_that_dont_apply_are_folded(tmp_path: Path) -> None:
    html = world(FakeStore(tmp_path), FOUND, probes=Probes(learning_curve=CURVE)).file("html")
    contents = html.split('<nav aria-label="Contents">')[1].split("</nav>")[0]
    names = re.findall(r'href="#([^"]+)"', contents)
    assert {"gates", "luck", "plots", "measurements", "conditions"} <= set(names)
    assert all(f'<section id="{name}">' in html for name in names)
    folded = html.split('<details class="folded">')[1].split("</details>\n")[0]
    assert "<summary>1 gate doesn" in folded
    assert "No worse than live" in folded


def test_a_learner_that_draws_nothing_has_no_luck_to_measure(tmp_path: Path) -> None:
    found = [*measurements(), Measurement(metric="seed_luck", value=None, n=300, unit="share", reason=NOTHING)]
    told = world(FakeStore(tmp_path), found, probes=Probes()).file("md")
    assert f"not applicable: {NOTHING}" in told
