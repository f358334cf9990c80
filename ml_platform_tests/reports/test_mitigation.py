"""The report says what it would take to treat groups alike, where that was measured, and what a person can choose."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.mitigation import Mitigation, MitigationRecord, Way
from ml_platform.reports.content import read_content, read_mitigation
from ml_platform.reports.html import html_page
from ml_platform.reports.mitigation import TITLE, mitigation_hint, mitigation_rows, mitigation_words
from ml_platform.reports.report_json import json_bytes
from ml_platform.reports.report_markdown import markdown_page
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.page import read
from ml_platform_tests.reports.world import NOW, ROWS, measurements, world

HOSTILE = "<script>alert(1)</script>"


def way(name: str, ratio: float, *, low: float = 0.1, high: float = 1.2, group: str = "a") -> Way:
    pair = Measurement(
        metric="selection_rate_ratio", value=ratio, low=low, high=high, n=90, subject=f"crew={group} vs crew=b"
    )
    changed = Measurement(metric="paired_share_difference", value=-0.04, low=-0.1, high=0.02, n=90, subject="recall")
    return Way(
        name=name,
        ratios=(pair, dataclasses.replace(pair, metric="intersection_selection_rate_ratio", value=0.01)),
        quality=(Measurement(metric="recall", value=0.41, low=0.3, high=0.5, n=90),),
        changes=() if name == "as is" else (changed,),
        rates={f"crew={group}": 0.1, "crew=b": 0.2},
        gained={f"crew={group}": 5, "crew=b": 0},
        lost={f"crew={group}": 0, "crew=b": 7},
    )


def mitigation(*ways: Way) -> Mitigation:
    return Mitigation(columns=("crew", "shift"), limits={"selection_rate_ratio": 0.8}, ways=(way("as is", 0.5), *ways))


def put(store: FakeStore, found: Mitigation) -> MitigationRecord:
    content = msgspec.json.encode(found)
    record = MitigationRecord(model="toy", digest=digest_of(content.decode()), model_digest="a" * 64)
    store.put("mitigations", record.digest, {"mitigation.json": content})
    return record


def pages(store: FakeStore, record: MitigationRecord | None) -> tuple[str, str, dict[str, object]]:
    one = world(store, measurements(ratio=0.5))
    content = read_content(
        spec=one.spec, store=store, evaluation=one.evaluation, model=one.model, verdicts=one.verdicts, live=None,
        rows=ROWS, policy=one.policy, mitigation=record,
    )  # fmt: skip
    return html_page(content, now=NOW), markdown_page(content, now=NOW), json.loads(json_bytes(content))


@pytest.fixture
def store(tmp_path: Path) -> FakeStore:
    return FakeStore(tmp_path)


def test_every_form_of_the_report_shows_the_ways_side_by_side(store: FakeStore) -> None:
    found = mitigation(way("own thresholds", 0.81), way("equal shares", 1.0), way("reweighed", 0.7))
    html, markdown, told = pages(store, put(store, found))
    page = " ".join(read(html).text.split())
    for text in (page, markdown):
        for said in (TITLE, "own thresholds", "reweighed", "5 more, 0 fewer", "-0.040 [-0.1, 0.02]", "20.0%"):
            assert said in text
    assert "reweigh: [crew, shift]" in page
    assert told["mitigation"] == json.loads(msgspec.json.encode(found))


def test_where_nothing_was_measured_there_is_no_section(store: FakeStore) -> None:
    html, markdown, told = pages(store, None)
    assert TITLE not in html + markdown
    assert told["mitigation"] is None
    assert (mitigation_rows(None), mitigation_words(None)) == ((), ())


def test_names_of_groups_stay_text(store: FakeStore) -> None:
    hostile = Mitigation(
        columns=("crew",), limits={"selection_rate_ratio": 0.8}, ways=(way("as is", 0.5, group=HOSTILE),)
    )
    html, _, _ = pages(store, put(store, hostile))
    assert HOSTILE not in html


def test_what_cant_be_read_is_no_report(store: FakeStore) -> None:
    store.put("mitigations", "9" * 64, {"mitigation.json": b"{}"})
    with pytest.raises(DataInvalid, match=r"mitigation\.json"):
        read_mitigation(store, MitigationRecord(model="toy", digest="9" * 64, model_digest="a" * 64))


@pytest.mark.parametrize(
    ("reweighed", "words"),
    [
        (way("reweighed", 0.9, low=0.8), "the limit would be kept."),
        (way("reweighed", 0.9, low=0.79), "the gate would be undecided: the intervals are wide."),
        (
            way("reweighed", 0.6, low=0.5, high=0.79),
            "the limit would still be missed: crew=a vs crew=b 0.6 [0.5, 0.79].",
        ),
    ],
)
def test_the_words_say_what_the_gate_would_say(reweighed: Way, words: str) -> None:
    assert words in mitigation_words(mitigation(reweighed))[0]


def test_a_way_that_cant_be_gone_says_why_and_isnt_offered() -> None:
    found = mitigation(Way(name="reweighed", reason="no rows of it"))
    assert mitigation_words(found)[0] == "reweighed: no rows of it."
    assert "reweigh:" not in " ".join(mitigation_words(found))
    assert all(len(row.cells) == 1 for row in mitigation_rows(found))


def test_only_where_even_equal_shares_arent_surely_kept_more_rows_are_asked_for() -> None:
    asked = [
        any(
            "Even with equal shares" in text for text in mitigation_words(mitigation(way("equal shares", 1.0, low=low)))
        )
        for low in (0.8, 0.79)
    ]
    assert asked == [False, True]


def test_what_is_still_missed_is_named_worst_first_and_counted() -> None:
    pairs = [
        Measurement(metric="selection_rate_ratio", value=value, low=0.1, high=value + 0.01, n=90, subject=name)
        for name, value in (("race=b vs race=w", 0.54), ("sex=f vs sex=m", 0.379), ("race=a", 0.6), ("race=o", 0.7))
    ]
    words = mitigation_words(mitigation(dataclasses.replace(way("reweighed", 0.5), ratios=tuple(pairs))))[0]
    assert "still be missed: sex=f vs sex=m 0.379 [0.1, 0.389]; race=b vs race=w 0.54 [0.1, 0.55]; race=a" in words
    assert words.endswith("; 1 more.")


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.022, 0.01, 0.034, "find more of the people for whom the outcome comes true (recall +0.022 [0.01, 0.034])"),
        (-0.05, -0.09, -0.01, "find fewer of the people"),
        (0.01, -0.01, 0.03, "can't be told"),
        (0.01, None, None, "can't be told"),
        (None, None, None, ""),
    ],
)
def test_what_equal_shares_do_to_recall_is_said_as_it_was_measured(
    value: float | None, low: float | None, high: float | None, said: str
) -> None:
    change = Measurement(metric="paired_share_difference", value=value, low=low, high=high, n=9, subject="recall")
    equal = dataclasses.replace(way("equal shares", 1.0), changes=(change,))
    words = " ".join(mitigation_words(mitigation(equal)))
    assert said in words
    assert ("for whom the outcome comes true" in words) == bool(said)


def test_equal_shares_that_surely_miss_the_limit_dont_ask_for_rows() -> None:
    words = " ".join(mitigation_words(mitigation(way("equal shares", 0.5, high=0.6))))
    assert "the limit is surely missed: crew=a vs crew=b 0.5 [0.1, 0.6]" in words
    assert "More rows" not in words


def test_declared_costs_are_a_row_and_a_price() -> None:
    price = Measurement(metric="expected_cost_change", value=0.031, low=0.01, high=0.05, n=90, subject="expected_cost")
    cost = Measurement(metric="expected_cost", value=0.4, n=90)
    plain, again = way("as is", 0.5), way("reweighed", 0.9)
    found = Mitigation(
        columns=("crew",), limits={"selection_rate_ratio": 0.8},
        ways=(dataclasses.replace(plain, quality=(*plain.quality, cost)),
              dataclasses.replace(again, quality=(*again.quality, cost), changes=(*again.changes, price))),
    )  # fmt: skip
    (row,) = [one for one in mitigation_rows(found) if one.name == "Expected cost per row"]
    assert row.cells[1] == ("0.4", "(+0.031 [0.01, 0.05])")
    assert "expected cost per row by +0.031 [0.01, 0.05]." in mitigation_words(found)[0]
    assert mitigation_hint(found).endswith("reweighed 0.9 (recall -0.040, cost per row +0.031); nothing is applied")


def test_the_refusal_gets_one_line() -> None:
    found = mitigation(way("own thresholds", 0.81), Way(name="reweighed", reason="no rows"))
    assert mitigation_hint(found) == (
        "smallest selection-rate ratio as is 0.5, own thresholds 0.81 (recall -0.040); nothing is applied"
    )
    undefined = dataclasses.replace(
        way("as is", 0.5),
        ratios=(Measurement(metric="selection_rate_ratio", value=None, n=0, subject="crew", reason="one group"),),
    )
    assert mitigation_rows(dataclasses.replace(found, ways=(undefined,)))[2].cells == (("not measured",),)
