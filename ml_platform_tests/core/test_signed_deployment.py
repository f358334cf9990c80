from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import Any

import pytest

from ml_platform.core.records import DeploymentRecord
from ml_platform.core.signed_deployment import (
    deployment_problems,
    sign_deployment,
    why_not_deployed,
    why_not_newest,
)
from ml_platform_tests.fakes.signing import FakeSigning

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PLAIN = DeploymentRecord(
    model="parcels",
    environment="production",
    version=1,
    model_digest="a" * 64,
    evidence_digest="b" * 64,
    since=NOON,
    actor="rita",
    reason="first",
)


def later(deployment: DeploymentRecord, version: int, hours: int) -> DeploymentRecord:
    return replace(deployment, version=version, since=NOON + dt.timedelta(hours=hours), key_id="", signature="")


@pytest.fixture
def keys() -> FakeSigning:
    return FakeSigning()


@pytest.fixture
def history(keys: FakeSigning) -> list[DeploymentRecord]:
    return [sign_deployment(later(PLAIN, version, hours), keys) for version, hours in ((1, 0), (2, 1), (1, 2))]


def test_what_the_platform_signed_holds(keys: FakeSigning, history: list[DeploymentRecord]) -> None:
    assert [why_not_deployed(keys, each) for each in history] == ["", "", ""]
    assert list(deployment_problems(keys, history)) == []
    assert why_not_newest(keys, history) == ""


@pytest.mark.parametrize("name", [each.name for each in fields(DeploymentRecord)])
def test_every_field_is_signed(keys: FakeSigning, history: list[DeploymentRecord], name: str) -> None:
    seen = getattr(history[0], name)
    other: Any = seen + dt.timedelta(microseconds=1) if isinstance(seen, dt.datetime) else type(seen)(f"{seen}1")
    assert why_not_deployed(keys, replace(history[0], **{name: other}))


def test_another_zone_of_the_same_time_is_the_same(keys: FakeSigning, history: list[DeploymentRecord]) -> None:
    zone = dt.timezone(dt.timedelta(hours=5))
    assert why_not_deployed(keys, replace(history[0], since=NOON.astimezone(zone))) == ""


def test_one_without_a_signature_may_only_come_first(keys: FakeSigning, history: list[DeploymentRecord]) -> None:
    assert list(deployment_problems(keys, [later(PLAIN, 1, -1), *history])) == []
    forged = [*history, later(PLAIN, 2, 3)]
    (problem,) = deployment_problems(keys, forged)
    assert problem == (
        "parcels@production: the deployment of v2 (2026-03-01 15:00:00 UTC) isn't the platform's: it isn't signed"
    )
    assert why_not_newest(keys, forged) == "it isn't signed"
    assert why_not_newest(keys, [PLAIN]) == "it isn't signed"


def test_a_signature_that_is_none_is_of_another_content(keys: FakeSigning, history: list[DeploymentRecord]) -> None:
    assert "another content" in why_not_deployed(keys, replace(history[0], signature="no hex"))


def test_an_old_deployment_put_there_again_is_known_by_its_time(
    keys: FakeSigning, history: list[DeploymentRecord]
) -> None:
    again = [*history, history[1]]
    (problem,) = deployment_problems(keys, again)
    assert problem == (
        "parcels@production: the deployment of v2 (2026-03-01 13:00:00 UTC) is an old one that was put there again"
    )
    assert why_not_newest(keys, again) == "it is an old deployment that was put there again"
    # A forged one in the past doesn't keep the service from following what comes after it.
    assert why_not_newest(keys, [*again, sign_deployment(later(PLAIN, 1, 4), keys)]) == ""


def test_the_key_of_somebody_else_is_none_of_the_platforms(history: list[DeploymentRecord]) -> None:
    assert "isn't one of the platform's keys" in why_not_deployed(FakeSigning("another"), history[0])
