"""What was live when: on a day, at a time, and between two deployments."""

from __future__ import annotations

import datetime as dt

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import DeploymentRecord
from ml_platform.stages.live_spans import asked_time, live_spans, live_within

START = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def deployed(version: int, days: float) -> DeploymentRecord:
    return DeploymentRecord(
        model="late", environment="production", version=version, model_digest="a" * 64, evidence_digest="b" * 64,
        since=START + dt.timedelta(days=days), actor="kim", reason="a try",
    )  # fmt: skip


SPANS = live_spans([deployed(1, 0), deployed(2, 2), deployed(3, 2.25)])


@pytest.mark.parametrize(
    ("said", "versions"),
    [
        ("2026-04-30", []),
        ("2026-05-01", [1]),
        ("2026-05-03", [1, 2, 3]),
        ("2026-05-04", [3]),
        ("2026-05-03T12:00", [2]),
        ("2026-05-03T11:59:59Z", [1]),
        ("2026-05-03T14:00+02:00", [2]),
        ("2026-05-03T20:00Z", [3]),
    ],
)
def test_a_day_names_all_that_was_live_on_it_and_a_time_one(said: str, versions: list[int]) -> None:
    assert [span.deployment.version for span in live_within(SPANS, *asked_time(said))] == versions


def test_the_last_one_is_live_still_and_nothing_was_without_a_deployment() -> None:
    assert [span.until for span in SPANS] == [START + dt.timedelta(days=2), START + dt.timedelta(days=2.25), None]
    assert live_spans([]) == ()


@pytest.mark.parametrize("said", ["3 May", "", "2026-13-01", "yesterday"])
def test_what_isnt_a_time_is_refused(said: str) -> None:
    with pytest.raises(DataInvalid, match="isn't a day or a time; write 2026-05-03 or"):
        asked_time(said)
