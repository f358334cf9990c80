from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.records import MonitoringRecord
from ml_platform.orchestration import retrain_sensor
from ml_platform.orchestration.asking_again import Again, Ended
from ml_platform.orchestration.build import build_model
from ml_platform.orchestration.records import keep_record
from ml_platform.orchestration.retrain_sensor import latest_window, note_declined, request
from ml_platform.stages.retraining import DECLINED, Retrain
from ml_platform.stages.retraining_reasons import Declined
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.orchestration.small_model import load_small

if TYPE_CHECKING:
    import pytest


def _record(month: int, digest: str) -> MonitoringRecord:
    return MonitoringRecord(
        model="parcels", environment="production", window=f"2025-{month:02}",
        window_end=dt.datetime(2025, month + 1, 1, tzinfo=dt.UTC), digest=digest * 32, window_digest="cd" * 32,
        version=1, model_digest="ef" * 32, labelled=300,
    )  # fmt: skip


def test_the_latest_month_counts_not_the_one_that_was_monitored_last(tmp_path: Path) -> None:
    for month, digest in ((10, "ab"), (9, "ba")):
        keep_record(tmp_path, ("parcels", "monitoring"), _record(month, digest), f"2025-{month:02}")
    found = latest_window(tmp_path, "parcels")
    assert found is not None
    assert found.window == "2025-10"


def test_no_month_is_no_window(tmp_path: Path) -> None:
    assert latest_window(tmp_path, "parcels") is None


def test_a_request_names_its_cause_its_rows_and_its_trigger() -> None:
    decided = Retrain(
        cause="ab" * 32, as_of=dt.datetime(2025, 11, 1, tzinfo=dt.UTC), gates=("live_auc_holds",), reason="it fell"
    )
    found = request("parcels", decided)
    assert found.run_key == decided.cause
    config = found.run_config["ops"]["parcels__snapshot"]["config"]
    assert config == {"as_of": "2025-11-01T00:00:00+00:00", "cause": decided.cause}
    assert found.tags["ml_platform/trigger"] == "it fell"


def test_before_the_first_release_the_sensor_says_so_and_makes_no_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    sensor = build_model(load_small(tmp_path)).resolve_sensor_def("parcels_retrain_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    with dg.instance_for_test() as instance:
        data = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert not data.run_requests
    assert "nothing was ever released" in (data.skip_message or "")
    assert not (tmp_path / "home").exists()


def test_a_proven_change_goes_with_the_request_and_a_second_try_has_its_own_key() -> None:
    since = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
    decided = Retrain(
        cause="ab", as_of=dt.datetime(2025, 11, 1, tzinfo=dt.UTC), gates=(), reason="it fell", changed_since=since
    )
    found = request("parcels", decided, again=Again("ab#2", "try 2 of 3"))
    assert found.run_config["ops"]["parcels__snapshot"]["config"]["changed_since"] == since.isoformat()
    assert found.run_key == "ab#2"
    assert found.tags["ml_platform/cause"] == "ab"
    assert found.tags["ml_platform/trigger"] == "it fell (try 2 of 3)"


def test_what_was_refused_before_it_began_is_said_and_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = build_model(load_small(tmp_path)).resolve_sensor_def("parcels_retrain_sensor")
    decided = Retrain(cause="ab", as_of=dt.datetime(2025, 11, 1, tzinfo=dt.UTC), gates=(), reason="it fell")
    monkeypatch.setattr(retrain_sensor, "_decide", lambda *_: (decided, []))
    monkeypatch.setattr(retrain_sensor, "next_try", lambda *_: Ended("run 1a was refused", answered=True))
    with dg.instance_for_test() as instance:
        data = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert data.skip_message == "retraining was asked for, because it fell; run 1a was refused"


def test_a_declined_reason_is_written_down_once_per_cause_and_limit() -> None:
    now = dt.datetime(2025, 11, 1, tzinfo=dt.UTC)
    ledger = FakeLedger()
    for hours in ("2.0", "2.7"):
        for cause, limit in (("a", "hours"), ("b", "hours"), ("a", "cooldown_days")):
            declined = Declined(cause=cause, limit=limit, text=f"retraining took {hours} CPU hours")
            note_declined(ledger, "parcels", [declined], now=now)
    written = [(one.payload["cause"], one.payload["limit"]) for one in ledger.all_of(DECLINED, subject="parcels")]
    assert written == [("a", "hours"), ("b", "hours"), ("a", "cooldown_days")]
