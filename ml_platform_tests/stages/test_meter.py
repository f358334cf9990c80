from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml_platform.stages import meter
from ml_platform.stages.meter import start_meter

LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux sets the peak back")
MIB = 2**20


def test_work_takes_cpu_and_wall_time() -> None:
    began = start_meter()
    sum(number * number for number in range(400_000))
    used = began.read()
    assert used.cpu_seconds > 0
    assert used.wall_seconds > 0
    assert used.peak_bytes > 10 * MIB


def test_children_that_ended_count() -> None:
    began = start_meter()
    subprocess.run([sys.executable, "-S", "-c", "sum(range(3_000_000))"], check=True)
    children = os.times()
    used = began.read()
    assert used.cpu_seconds >= 0.01
    assert children.children_user > 0


@LINUX
def test_the_peak_is_that_of_the_stage_and_not_of_what_ran_before() -> None:
    before = start_meter()
    large = bytearray(200 * MIB)
    large[::4096] = b"x" * len(large[::4096])
    del large
    high = before.read()
    later = start_meter().read()
    assert high.peak_is_own
    assert later.peak_bytes < high.peak_bytes - 100 * MIB


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_where_the_peak_cannot_be_set_back_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, unit: int
) -> None:
    import resource

    monkeypatch.setattr(meter, "_RESET", tmp_path / "absent" / "clear_refs")
    monkeypatch.setattr(sys, "platform", platform)
    used = start_meter().read()
    assert not used.peak_is_own
    assert used.peak_bytes == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def test_a_status_without_a_peak_counts_as_not_set_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "reset").touch()
    (tmp_path / "status").write_text("Name: python\n")
    monkeypatch.setattr(meter, "_RESET", tmp_path / "reset")
    monkeypatch.setattr(meter, "_STATUS", tmp_path / "status")
    assert not start_meter().resets
