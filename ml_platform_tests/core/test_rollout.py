from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import Any

import pytest

from ml_platform.core.records import DeploymentRecord
from ml_platform.core.rollout import RolloutRecord, rollout_problems, sign_rollout, why_not_begun
from ml_platform_tests.fakes.signing import FakeSigning

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PLAIN = RolloutRecord(
    rollout_id="r1", model="parcels", environment="production", strategy="canary", weight=0.1, sticky_by="customer",
    champion=1, champion_digest="a" * 64, version=2, model_digest="b" * 64, evidence_digest="c" * 64,
    rules_digest="d" * 64, since=NOON, actor="rita", reason="faster",
)  # fmt: skip


@pytest.fixture
def keys() -> FakeSigning:
    return FakeSigning()


@pytest.mark.parametrize("name", [each.name for each in fields(RolloutRecord)])
def test_every_field_is_signed(keys: FakeSigning, name: str) -> None:
    begun = sign_rollout(PLAIN, keys)
    assert why_not_begun(keys, begun) == ""
    seen = getattr(begun, name)
    other: Any = seen + dt.timedelta(microseconds=1) if isinstance(seen, dt.datetime) else type(seen)(f"{seen}1")
    assert why_not_begun(keys, replace(begun, **{name: other}))


def test_what_is_not_signed_or_was_put_there_again_is_told(keys: FakeSigning) -> None:
    first = sign_rollout(PLAIN, keys)
    second = sign_rollout(replace(PLAIN, rollout_id="r2", since=NOON + dt.timedelta(hours=1)), keys)
    assert list(rollout_problems(keys, [first, second])) == []
    assert why_not_begun(keys, PLAIN) == "it isn't signed"
    (unsigned,) = rollout_problems(keys, [PLAIN, second])
    assert "parcels@production: the rollout of v2 (2026-03-01 12:00:00 UTC) isn't the platform's" in unsigned
    (again,) = rollout_problems(keys, [first, second, first])
    assert "an old one" in again


def test_a_canary_takes_its_share_and_the_same_unit_always_goes_the_same_way() -> None:
    units = [f"customer {number}" for number in range(20_000)]
    taken = [PLAIN.takes(unit) for unit in units]
    assert taken == [PLAIN.takes(unit) for unit in units]
    assert 0.09 < sum(taken) / len(units) < 0.11
    other = replace(PLAIN, rollout_id="r2")
    both = sum(PLAIN.takes(unit) and other.takes(unit) for unit in units) / len(units)
    assert both < 0.02  # another rollout draws anew


def test_the_whole_weight_takes_everything_and_a_shadow_nothing() -> None:
    units = [str(number) for number in range(100)]
    assert all(replace(PLAIN, weight=1.0).takes(unit) for unit in units)
    assert not any(replace(PLAIN, weight=0.0).takes(unit) for unit in units)
    assert not any(replace(PLAIN, strategy="shadow", weight=1.0).takes(unit) for unit in units)


def test_a_rollout_is_beside_exactly_its_champion() -> None:
    live = DeploymentRecord(
        model="parcels", environment="production", version=1, model_digest="a" * 64, evidence_digest="e" * 64,
        since=NOON, actor="rita", reason="first",
    )  # fmt: skip
    assert PLAIN.is_beside(live)
    assert not PLAIN.is_beside(None)
    assert not PLAIN.is_beside(replace(live, version=3))
    assert not PLAIN.is_beside(replace(live, model_digest="f" * 64))
