"""The chapters on weak slices, degradation and misleading: what was measured, in words, links and plots."""

from __future__ import annotations

from pathlib import Path

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.probes import Probes
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.world import measurements, world

WEAK: dict[str, Fact] = {
    "roc_auc": 0.74, "roc_auc_elsewhere": 0.68, "p_holm": 0.0004,
    "slices_tested": 2,
}  # fmt: skip


def degraded(kind: str, level: float, value: float | None, metric: str = "degraded_auc_drop") -> Measurement:
    bounds = (None, None) if value is None else (value - 0.01, value + 0.01)
    return Measurement(
        metric=metric, subject=f"{kind} {100 * level:g} %", value=value, low=bounds[0], high=bounds[1], n=300,
        facts={"kind": kind, "level": level}, reason="" if value else "one class only",
    )  # fmt: skip


FOUND = [
    *measurements(),
    Measurement(
        metric="weak_slice_log_loss", subject="crew = <b>", value=0.46, low=0.3, high=0.6, n=90, facts=WEAK
    ),
    Measurement(metric="weak_slice_log_loss", subject="load >= 3", value=0.1, n=41, facts={"slices_tested": 2}),
    Measurement(metric="weak_slice_surprise", subject="crew = <b>", value=0.12, low=-0.05, high=0.3, n=90),
    degraded("noise", 0.05, 0.002),
    degraded("missing", 0.1, 0.038),
    degraded("missing", 0.5, 0.15),
    Measurement(
        metric="adversarial_flip_share", subject="decided negative", value=0.04, low=0.02, high=0.09, n=150,
        unit="share", facts={"movable_columns": "load"},
    ),
    Measurement(metric="ood_detection_rate", subject="nothing known", value=1.0, low=0.99, high=1.0, n=300),
    Measurement(metric="ood_detected_share", value=0.7, low=0.65, high=0.75, n=900, unit="share"),
]  # fmt: skip
TITLES = (
    "Where is it weak?", "How fast does it get worse with worse inputs?", "What misleads it, and would it be noticed?",
)  # fmt: skip


def test_what_was_found_is_said_in_every_form(tmp_path: Path) -> None:
    told = world(FakeStore(tmp_path), FOUND, probes=Probes())
    html, text = told.file("html"), told.file("md")
    for form in (html, text):
        for said in (
            *TITLES,
            "1 of 2 slices that seemed weak are surely worse than the rest.",
            "+46 % [+30, +60]",
            "+12 % [-5, +30]",
            "0.740 (0.680)",
            "AUC lost: missing 10 %",
            "decisions that feasible moves flip: decided negative",
            "Movable: load. Up to three of them were moved together.",
            "rows noticed as unusual: nothing known",
        ):
            assert said in form
    assert "crew = &lt;b&gt;" in html
    anchor = html.split(">+46 % [+30, +60]</a>")[0].rsplit('<a href="#', 1)[1].rstrip('"')
    assert f'id="{anchor}"' in html
    assert html.count("What do missing values cost?") == 1
    assert "missing 50 %: 0.15 [0.14, 0.16]" in html


def test_a_model_that_moves_nothing_is_told_how_to(tmp_path: Path) -> None:
    found = [one for one in FOUND if one.metric != "adversarial_flip_share"]
    told = world(FakeStore(tmp_path), found, probes=Probes()).file("md")
    assert "of no column that its subjects could change it (evaluation.movable)" in told


def test_what_is_undefined_is_said_and_not_drawn(tmp_path: Path) -> None:
    few = Measurement(metric="weak_slice_loss", value=None, n=90, unit="share", reason="90 rows; 160 are needed")
    lost = Measurement(metric="adversarial_flip_share", value=None, n=0, unit="share", reason="its code is another")
    told = world(FakeStore(tmp_path), [*measurements(), few, degraded("noise", 0.1, None), lost], probes=Probes())
    html = told.file("html")
    assert "undefined: 90 rows; 160 are needed" in html
    assert "undefined: one class only" in html
    assert "undefined: its code is another" in html
    assert "seemed weak are surely worse" not in html
    assert "What does noise cost?" not in html
    assert "Movable:" not in html


def test_the_growth_of_a_loss_is_drawn_too(tmp_path: Path) -> None:
    found = [*measurements(), degraded("noise", 0.1, 0.2, "degraded_loss_change")]
    html = world(FakeStore(tmp_path), found, probes=Probes()).file("html")
    assert "growth of the loss by noise" in html


def test_a_fast_evaluation_has_none_of_it(tmp_path: Path) -> None:
    html = world(FakeStore(tmp_path)).file("html")
    assert not any(title in html for title in TITLES)
