from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.reports.html import TEMPLATES, html_page
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.page import Page, read
from ml_platform_tests.reports.verdicts import HOSTILE
from ml_platform_tests.reports.world import NOW, deployed, measurements, spec, without, world

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CLEAN = HOSTILE.replace("\ud800", "")


@pytest.fixture
def store(tmp_path: Path) -> FakeStore:
    return FakeStore(tmp_path)


def page_of(store: FakeStore, found: list[Measurement] | None = None) -> Page:
    return read(html_page(world(store, found).content(), now=NOW))


def test_the_first_page_says_what_it_is_about_and_decides(store: FakeStore) -> None:
    text = page_of(store).text
    for said in ("toy", "Say whether a parcel is late.", "parcels@example.org", "limited", "May be released"):
        assert said in text


def test_a_closed_gate_says_its_numbers_its_reason_and_what_can_be_done(store: FakeStore) -> None:
    text = " ".join(page_of(store, measurements(ratio=0.5)).text.split())
    for said in ("Refused: 1 gate is closed", "Failed: Rates are similar", "[0.45, 0.55]", "≥ 0.8 on the lower bound"):
        assert said in text
    assert "What can be done. do this" in text


def test_every_link_stays_in_the_page_and_leads_somewhere(store: FakeStore) -> None:
    page = page_of(store)
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)


def test_every_measured_number_of_a_gate_leads_to_its_measurement(store: FakeStore) -> None:
    one = world(store)
    page = read(html_page(one.content(), now=NOW))
    measured = sum(1 for verdict in one.verdicts if verdict.worst)
    assert sum(bool(re.fullmatch(r"#m\d+", link)) for link in page.links) >= measured


def test_the_page_is_whole_and_loads_nothing(store: FakeStore) -> None:
    page = page_of(store, measurements(ratio=0.5))
    assert page.unclosed == []
    assert page.loads == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert "url(" not in (TEMPLATES / "report.css").read_text()
    assert "@import" not in (TEMPLATES / "report.css").read_text()


def test_hostile_names_stay_text(store: FakeStore) -> None:
    found = measurements(crew=CLEAN)
    hostile = spec(purpose=CLEAN, owner=CLEAN, description=CLEAN)
    one = world(store, found, its_spec=hostile)
    told = [replace(each, gate=CLEAN, reason=CLEAN, next_step=CLEAN, control=CLEAN) for each in one.verdicts]
    html = html_page(replace(one, verdicts=tuple(told)).content(), now=NOW)
    page = read(html)
    assert "<script" not in html
    assert "<script>alert(1)</script>" in page.text
    assert not any(link.startswith("javascript") for link in page.links)


def test_curves_that_are_missing_are_left_out_and_that_is_said(store: FakeStore) -> None:
    html = html_page(world(store, curves=None).content(), now=NOW)
    assert "No plots of the scores: the evaluation holds no curves." in html
    assert "How are scores spread?" not in html


def test_groups_and_slices_are_drawn_with_their_limits(store: FakeStore) -> None:
    text = page_of(store).text
    for said in ("How are groups treated?", "Is every group selected alike?", "limit 0.8", "warns at 0.6", "all rows"):
        assert said in text


def test_without_the_policy_no_bar_is_drawn_and_that_is_said(store: FakeStore) -> None:
    one = replace(world(store), policy=None)
    html = html_page(one.content(), now=NOW)
    assert 'class="bar"' not in html
    assert "No bars" in html


def test_what_is_live_is_compared(store: FakeStore) -> None:
    better = Measurement(metric="roc_auc_difference", value=0.02, low=-0.01, high=0.05, n=300)
    one = replace(world(store, [*measurements(), better], champion="f" * 64), live=deployed())
    text = " ".join(read(html_page(one.content(), now=NOW)).text.split())
    assert "Version 3 is live in staging since 01 March 2026." in text
    assert "the candidate's AUC is higher by 0.02 (difference [-0.01, 0.05]). That may be chance." in text


def test_a_live_version_that_was_not_compared_with_asks_for_another_evaluation(store: FakeStore) -> None:
    one = replace(world(store), live=deployed())
    assert "evaluate again before deciding" in html_page(one.content(), now=NOW)


def test_the_live_model_itself_is_recognised(store: FakeStore) -> None:
    one = world(store)
    assert "It is this very model." in html_page(replace(one, live=deployed(one.model.digest)).content(), now=NOW)


def test_a_gate_that_never_spoke_is_on_the_first_page(store: FakeStore) -> None:
    html = html_page(without(world(store), "rows_are_many").content(), now=NOW)
    assert "Not decided: evidence is missing" in html
    assert "rows_are_many" in html


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_words_can_be_read_on_their_ground(theme: str) -> None:
    """WCAG 2.2, success criterion 1.4.3: a contrast of at least 4.5 to 1."""
    colours = _colours(theme)
    tones = ("passed", "failed", "undecided", "warned", "waived", "not_applicable")
    pairs = [(ink, ground) for ink in ("ink", "soft", "accent") for ground in ("paper", "card")]
    pairs += [(tone, f"{tone}-bg") for tone in tones] + [("card", tone) for tone in tones]
    pairs += [("positive", "paper"), ("negative", "paper"), ("soft", "band"), ("ink", "band")]
    poor = [(*pair, round(_contrast(*(colours[name] for name in pair)), 2)) for pair in pairs]
    assert [pair for pair in poor if pair[2] < 4.5] == []


def _colours(theme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", (TEMPLATES / "report.css").read_text(), re.DOTALL)
    return dict(re.findall(r"--([a-z_-]+): (#[0-9a-f]{6})\b", light if theme == "light" else dark))


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.browser
def test_a_browser_shows_it_without_complaint_and_narrow_windows_do_not_scroll(
    store: FakeStore, browser: Chrome
) -> None:
    one = world(store, measurements(ratio=0.5))
    path = store.home / one.write().record.files["html"]
    size = browser.get_window_size()
    try:
        browser.set_window_size(520, 900)
        browser.get("about:blank")
        browser.get_log("browser")  # type: ignore[no-untyped-call]  # what other tests' pages said
        browser.get(path.as_uri())
        assert "Refused: 1 gate is closed" in browser.find_element("tag name", "h2").text
        wide = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    finally:
        browser.set_window_size(size["width"], size["height"])


def test_a_very_long_level_is_shortened(store: FakeStore) -> None:
    text = page_of(store, measurements(crew="x" * 10_000, ratio=0.5)).text
    assert "x" * 200 not in text


def test_a_level_keeps_its_capitals(store: FakeStore) -> None:
    assert "Crew=UA vs crew=b." in page_of(store, measurements(crew="UA", ratio=0.5)).text
