"""A request that the live version accepts must be accepted by the next one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.policy.breaking import Breaking
from ml_platform.stages.interface_breaks import (
    break_objections,
    interface_breaks,
    interface_digest,
    measure_interface_breaks,
)
from ml_platform_tests.fakes.store import FakeStore

HOUR = InputColumn(name="hour", type="integer", low=0, high=23)
WIND = InputColumn(name="wind", type="number", missing=0.1)
SITE = InputColumn(name="site", type="category", levels=("a", "b"))
LIVE = ScoringContract(
    model="toy",
    inputs=(HOUR, WIND, SITE),
    time="at",
    features_module="x",
    code_digest="c",
    feature_names=("hour",),
    categorical=(),
    threshold=0.5,
)


def test_the_same_interface_has_no_breaks() -> None:
    other = replace(LIVE, threshold=0.1, code_digest="d", feature_names=("other",))
    assert interface_breaks(LIVE, other) == ()


@pytest.mark.parametrize(
    "wider",
    [
        replace(HOUR, type="number"),
        replace(HOUR, low=-1, high=None),
        replace(HOUR, missing=0.5),
        replace(HOUR, logged=False),
    ],
)
def test_accepting_more_breaks_nothing(wider: InputColumn) -> None:
    assert interface_breaks(LIVE, replace(LIVE, inputs=(wider, WIND, SITE))) == ()
    more = replace(LIVE, inputs=(HOUR, replace(WIND, missing=0.01), replace(SITE, levels=None)))
    assert interface_breaks(LIVE, more) == ()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ((HOUR, WIND), "site is no longer accepted"),
        ((HOUR, WIND, SITE, InputColumn(name="rain", type="number")), "rain is new and needed"),
        ((replace(HOUR, type="category"), WIND, SITE), "hour was integer and is category"),
        ((HOUR, replace(WIND, missing=0.0), SITE), "wind may no longer be missing"),
        ((replace(HOUR, low=1), WIND, SITE), "hour has the narrower range 1 to 23"),
        ((replace(HOUR, high=22), WIND, SITE), "hour has the narrower range 0 to 22"),
        ((HOUR, replace(WIND, low=0), SITE), "wind has the narrower range 0 to inf"),
        ((HOUR, WIND, replace(SITE, levels=("a",))), "site accepts fewer levels"),
    ],
)
def test_accepting_less_breaks(inputs: tuple[InputColumn, ...], said: str) -> None:
    assert interface_breaks(LIVE, replace(LIVE, inputs=inputs)) == (said,)


def test_another_task_or_a_lost_time_column_breaks() -> None:
    assert interface_breaks(LIVE, replace(LIVE, task="regression")) == ("the task was binary and is regression",)
    assert interface_breaks(LIVE, replace(LIVE, time=None)) == ("the time column at is gone",)
    assert interface_breaks(replace(LIVE, time=None), LIVE) == ()


def test_another_order_of_classes_or_another_quantile_breaks() -> None:
    several = replace(LIVE, task="multiclass", classes=("a", "b", "c"), threshold=None)
    assert interface_breaks(several, replace(several, calibration="platt")) == ()
    assert interface_breaks(several, replace(several, classes=("a", "c", "b"))) == (
        "the classes were a, b, c and are a, c, b, in this order",
    )
    high = replace(LIVE, task="quantile", quantile=0.9, threshold=None)
    assert interface_breaks(high, replace(high, quantile=0.8)) == ("the score was quantile 0.9 and is quantile 0.8",)


def test_an_unreadable_contract_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    store.put("models", "aa" * 32, {"scoring.json": msgspec.json.encode(LIVE)})
    store.put("models", "bb" * 32, {"scoring.json": b"{}"})
    assert measure_interface_breaks(store, "aa" * 32, "aa" * 32).value == 0
    for digest in ("bb" * 32, "cc" * 32):
        found = measure_interface_breaks(store, "aa" * 32, digest)
        assert found.value is None
        assert "can't be read" in found.reason


def declared(live: ScoringContract, *changes: str) -> Breaking:
    interface = interface_digest(live)[:12]
    return Breaking(interface=interface, changes=changes, owner="Team", reason="Callers were told in May.")


def both(store: FakeStore, candidate: ScoringContract) -> tuple[str, str]:
    store.put("models", "11" * 32, {"scoring.json": msgspec.json.encode(LIVE)})
    store.put("models", "22" * 32, {"scoring.json": msgspec.json.encode(candidate)})
    return "22" * 32, "11" * 32


def test_exactly_what_was_declared_is_not_counted_but_told(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    digests = both(store, replace(LIVE, inputs=(HOUR, WIND)))
    said = declared(LIVE, "site is no longer accepted")
    found = measure_interface_breaks(store, *digests, said)
    assert (found.value, found.facts["declared"], found.facts["by"]) == (0, "site is no longer accepted", "Team")
    assert break_objections(store, *digests, said) == []


@pytest.mark.parametrize(
    "said",
    [
        declared(LIVE, "wind is no longer accepted"),
        declared(LIVE, "site is no longer accepted", "wind is no longer accepted"),
        declared(replace(LIVE, time=None), "site is no longer accepted"),
        None,
    ],
)
def test_a_declaration_of_another_change_or_of_another_interface_excuses_nothing(
    tmp_path: Path, said: Breaking | None
) -> None:
    store = FakeStore(tmp_path)
    digests = both(store, replace(LIVE, inputs=(HOUR, WIND)))
    assert measure_interface_breaks(store, *digests, said).value == 1
    (objection,) = break_objections(store, *digests, said)
    assert "site is no longer accepted" in objection.reason
    assert f"interface: {interface_digest(LIVE)[:12]}, changes: ['site is no longer accepted']" in objection.reason
    assert ("declares another change" in objection.reason) is (said is not None)


def test_a_contract_that_can_not_be_read_is_no_reason_to_open(tmp_path: Path) -> None:
    (objection,) = break_objections(FakeStore(tmp_path), "22" * 32, "11" * 32, None)
    assert objection.undecided


def test_the_interface_is_what_callers_see() -> None:
    assert interface_digest(LIVE) == interface_digest(replace(LIVE, threshold=0.1, inputs=(SITE, WIND, HOUR)))
    for other in (
        replace(LIVE, inputs=(HOUR, WIND)),
        replace(LIVE, inputs=(replace(HOUR, low=1), WIND, SITE)),
        replace(LIVE, time=None),
        replace(LIVE, task="regression"),
        replace(LIVE, classes=("a", "b")),
        replace(LIVE, quantile=0.5),
    ):
        assert interface_digest(other) != interface_digest(LIVE)
