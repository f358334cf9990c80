"""The room that a log has: what is said before and when there is none, and that room is made in time."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from ml_platform.adapters.log_room import LOOK_SECONDS, LogRoom
from ml_platform.adapters.traffic_log import TrafficLog, read
from ml_platform.core.errors import Unavailable
from ml_platform_tests.adapters.test_traffic_log import KEYS, prediction


class Usage(NamedTuple):
    free: int


def test_a_disk_that_is_nearly_full_is_said_before_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = LogRoom(folder=tmp_path / "not" / "there", least_free_bytes=5 << 20)
    for free, warned in ((5 << 20, False), ((5 << 20) - 1, True), (6 << 20, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: Usage(free))
        room._looked_at = None
        room.look()
        assert bool(room.warning) == warned
    assert room.full == ""


def test_a_log_as_large_as_it_may_be_takes_nothing_more_until_there_is_room(tmp_path: Path) -> None:
    now, asked = [0.0], []
    room = LogRoom(folder=tmp_path, most_bytes=5000, make_room=lambda: asked.append(now[0]), seconds=lambda: now[0])
    log = TrafficLog(tmp_path, keys=KEYS, room=room)
    log.probe()
    log.append([prediction(1)])
    assert (log.problem, asked) == ("", [])
    (tmp_path / "large").write_bytes(bytes(4900))
    log.probe()
    log.append([prediction(2)])  # it looks every few seconds only
    now[0] += LOOK_SECONDS
    log.probe()
    assert "takes 0 MB of the 0 MB that it may" in log.problem
    assert asked == [LOOK_SECONDS]
    with pytest.raises(Unavailable, match="that it may"):
        log.append([prediction(3)])
    (tmp_path / "large").unlink()
    now[0] += LOOK_SECONDS
    log.probe()
    log.append([prediction(4)])
    log.close()
    assert [one.id for one in read(tmp_path, keys=KEYS).predictions] == ["p1", "p2", "p4"]
