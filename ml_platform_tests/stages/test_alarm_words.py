"""An alarm's words: what shifted, since when, and what lies behind it, the strongest first."""

from __future__ import annotations

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.stages.alarm_words import alarm_rows, alarm_text, behind, comes_from, is_alarm, raised

LOSS = Measurement(
    metric="performance_alarm", value=4.0, n=900, subject="loss",
    facts={"windows_since_it_began": 1, "usual": 0.44, "now": 1.034, "cause_1": "outside (90% of what moved)",
           "cause_2": "weight (10% of what moved)"},
)  # fmt: skip
OUTSIDE = Measurement(
    metric="traffic_alarm", value=850.0, n=2_025, subject="outside",
    facts={"windows_since_it_began": 2, "usual": 0.1, "now": 1.0, "psi": 7.452, "most_in": "from 23",
           "source_column": "weather.outside (weather.csv)", "features": "outside, warm_hours"},
)  # fmt: skip
CALM = Measurement(metric="traffic_alarm", value=0.2, n=2_025, subject="weight", facts={"usual": 0.1, "now": 0.1})
NO_LABELS = Measurement(metric="performance_alarm", value=None, n=3, subject="bias", reason="too few labels")


def verdict(*measurements: Measurement, outcome: Outcome = Outcome.FAILED) -> Verdict:
    return Verdict(
        gate="no_alarm", control="MONITOR", stage="monitoring", outcome=outcome, severity=Severity.WARN, limit="≤ 1",
        reason="r", next_step="n", policy_digest="p" * 64, worst=measurements[0], measurements=measurements,
    )  # fmt: skip


def test_an_alarm_says_what_shifted_from_what_to_what_and_since_when() -> None:
    assert alarm_text(LOSS) == "loss: 1.034, 0.44 at release, for 1 window (n = 900)"
    told = "outside has shifted: 100% of the rows are in from 23, 10% at release (PSI 7.452), for 2 windows (n = 2,025)"
    assert alarm_text(OUTSIDE) == told
    assert alarm_text(CALM) == "weight: 0.1, 0.1 at release (n = 2,025)"


@pytest.mark.parametrize("value", [None, 0.5, 1.0])
def test_only_evidence_above_what_is_needed_is_an_alarm(value: float | None) -> None:
    assert not is_alarm(Measurement(metric="traffic_alarm", value=value, n=9))
    assert not is_alarm(Measurement(metric="input_psi", value=9.0, n=9))
    assert is_alarm(OUTSIDE)


def test_performance_comes_first_and_its_causes_are_what_lies_behind_a_window() -> None:
    verdicts = [verdict(CALM, OUTSIDE), verdict(NO_LABELS, LOSS)]
    assert raised(verdicts) == [LOSS, OUTSIDE]
    assert behind(verdicts) == ["outside (90% of what moved)", "weight (10% of what moved)"]
    assert behind([verdict(CALM)]) == []


def test_an_input_comes_from_its_source_column_and_goes_into_features() -> None:
    told = "it comes from weather.outside (weather.csv) and goes into outside, warm_hours"
    assert comes_from(OUTSIDE) == [told]
    assert behind([verdict(OUTSIDE)]) == [f"outside: {told}"]
    unused = Measurement(metric="traffic_alarm", value=2.0, n=9, subject="x", facts={"source_column": "t.x"})
    assert comes_from(unused) == ["it comes from t.x"]
    assert alarm_text(unused) == "x: ?, ? at release (n = 9)"


def test_every_monitor_has_a_row_also_without_an_alarm() -> None:
    rows = list(alarm_rows([OUTSIDE, CALM, NO_LABELS]))
    assert rows[0][:2] == ("outside", "850")
    assert rows[1][3] == "-"
    assert rows[2] == ("bias", "-", "too few labels", "-")
