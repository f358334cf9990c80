"""The alarm is rare on what is usual, quick on what isn't, and ends with its cause."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml_platform.stats.share_alarm import ShareAlarm


def test_the_evidence_is_what_is_computed_by_hand() -> None:
    alarm = ShareAlarm(0.1, rows=9.5)
    assert not alarm.see([False] * 100)
    assert [alarm.see([True]), alarm.see([True])] == [False, False]  # 3 times likelier, twice: 9
    assert alarm.see([True])
    last = math.ceil(math.log(9.5) / -math.log(0.7 / 0.9))
    assert alarm.see([False] * (last - 1))
    assert not alarm.see([False])


@pytest.mark.parametrize(("share", "rows"), [(0.0, 10), (1.0, 10), (math.nan, 10), (0.1, 1.0), (0.1, math.nan)])
def test_what_makes_no_sense_is_refused(share: float, rows: float) -> None:
    with pytest.raises(ValueError, match="a share between 0 and 1 and more than 1 row are needed"):
        ShareAlarm(share, rows=rows)


def test_a_large_share_can_be_watched_too() -> None:
    alarm = ShareAlarm(0.6, rows=100)
    assert alarm.see([True] * 20)


def test_with_the_share_as_stated_false_alarms_are_as_rare_as_is_said() -> None:
    rng, rows, alarms, seen = np.random.default_rng(3), 200, 0, 0
    for _ in range(300):
        alarm = ShareAlarm(0.05, rows=rows)
        marks = rng.random(2000) < 0.05
        at = next((place for place, mark in enumerate(marks.tolist()) if alarm.see([mark])), None)
        alarms, seen = alarms + (at is not None), seen + (2000 if at is None else at + 1)
    assert seen / max(alarms, 1) >= rows


def test_three_times_the_share_is_found_soon() -> None:
    rng = np.random.default_rng(4)
    alarm = ShareAlarm(0.02, rows=1e9)
    delays = []
    for _ in range(20):
        alarm = ShareAlarm(0.02, rows=1e9)
        marks = rng.random(20_000) < 0.06
        delays.append(next(place for place, mark in enumerate(marks.tolist()) if alarm.see([mark])))
    information = 0.06 * math.log(3) + 0.94 * math.log(0.94 / 0.98)
    assert np.mean(delays) < 1.5 * math.log(1e9) / information
