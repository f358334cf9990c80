"""A window's story, as metadata, check results and a run's failure tell it."""

from __future__ import annotations

import dataclasses
import datetime as dt

import dagster as dg

from ml_platform.core.measurement import Measurement
from ml_platform.core.records import MonitoringRecord
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.orchestration.gates import check_results
from ml_platform.orchestration.window_story import in_short, story_lines, window_story
from ml_platform_tests.stages.test_alarm_words import LOSS, OUTSIDE, verdict

RECORD = MonitoringRecord(
    model="parcels", environment="production", window="2026-04", window_end=dt.datetime(2026, 5, 1, tzinfo=dt.UTC),
    digest="d" * 64, window_digest="w" * 64, version=3, model_digest="m" * 64, labelled=900,
)  # fmt: skip
CHANGE = Measurement(metric="live_roc_auc_change", value=-0.2, low=-0.3, high=-0.1, n=900)
FELL = Verdict(
    gate="live_auc_holds", control="RETRAIN-THRESHOLDS", stage="monitoring", outcome=Outcome.FAILED,
    severity=Severity.BLOCK, limit="≥ -0.03", reason="it fell", next_step="Let it retrain.", policy_digest="p" * 64,
    worst=CHANGE, measurements=(CHANGE,),
)  # fmt: skip
HELD = dataclasses.replace(FELL, outcome=Outcome.PASSED)
UNKNOWN = dataclasses.replace(FELL, outcome=Outcome.UNDECIDED, reason="too few labels")
KEY = dg.AssetKey(["parcels", "monitoring"])


def test_a_story_says_first_what_happened_then_what_shifted_what_lies_behind_it_and_what_to_do() -> None:
    told = window_story(RECORD, [FELL, verdict(LOSS), verdict(OUTSIDE)])
    assert list(told) == [
        "in short", "alarm 1", "alarm 2", "behind it 1", "behind it 2", "next step", "features", "source",
    ]  # fmt: skip
    numbers = "live_roc_auc_change = -0.2 [-0.3, -0.1] (n = 900), needed ≥ -0.03"
    assert told["in short"] == f"2026-04, v3: harm is proven: live_auc_holds: {numbers}"
    assert told["alarm 2"].startswith("outside has shifted")
    assert told["next step"] == "n"
    assert window_story(RECORD, [FELL])["next step"] == "Let it retrain."
    assert told["source"] == dg.AssetKey(["parcels", "source"])


def test_a_calm_window_says_so_and_an_alarm_without_harm_is_no_harm() -> None:
    assert window_story(RECORD, [HELD]) == {"in short": "2026-04, v3: no harm and no alarm"}
    assert in_short([HELD, verdict(OUTSIDE)]).startswith("no harm is proven, but 1 of what is watched")
    assert window_story(RECORD, [HELD, verdict(OUTSIDE)])["next step"] == "n"
    warned = dataclasses.replace(FELL, gate="inputs_resemble_training", severity=Severity.WARN)
    assert in_short([HELD, warned]) == "no harm and no alarm; warnings: inputs_resemble_training"


def test_what_isnt_known_is_neither_harm_nor_calm() -> None:
    assert in_short([UNKNOWN]) == "not known whether all is well: live_auc_holds: too few labels"
    unmeasured = dataclasses.replace(FELL, worst=None)
    assert in_short([unmeasured]) == "harm is proven: live_auc_holds: it fell, needed ≥ -0.03"


def test_a_runs_failure_names_window_version_and_causes() -> None:
    assert story_lines(RECORD, [FELL, verdict(LOSS)]) == [
        "window 2026-04, served by v3",
        "behind it: outside (90% of what moved)",
        "behind it: weight (10% of what moved)",
        "page: asset parcels/monitoring, partition 2026-04",
    ]


def test_a_windows_check_says_which_window_what_shifted_and_where_it_comes_from() -> None:
    fell, alarm, held = check_results([FELL, verdict(OUTSIDE), HELD], KEY, window="2026-04")
    assert fell.description == "2026-04: failed: it fell"
    assert fell.metadata["behind it 1"].value == f"outside: {alarm.metadata['behind it 1'].value}"
    assert str(alarm.description).startswith("2026-04: failed: outside has shifted: 100% of the rows are in from 23")
    assert alarm.metadata["source"].value == dg.AssetKey(["parcels", "source"])
    assert "weather.outside" in str(alarm.metadata["all subjects"].value)
    assert held.metadata["window"].value == "2026-04"
    assert "source" not in held.metadata


def test_a_check_of_no_window_names_none() -> None:
    (result,) = check_results([FELL], KEY)
    assert result.description == "failed: it fell"
    assert "window" not in result.metadata
