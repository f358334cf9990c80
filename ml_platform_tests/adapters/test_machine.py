"""What is left of the machine is read as the operating system says it; what can't be read is None, never 0."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters import look_log
from ml_platform.adapters.look_log import LookLog
from ml_platform.adapters.machine import read_machine
from ml_platform.adapters.service_health import ask_health
from ml_platform.core.errors import Unavailable
from ml_platform.core.health import Look, Machine
from ml_platform_tests.adapters.receiver import receiving

MEMINFO = "MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  400 kB\n"
NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
MACHINE = Machine(memory_available_share=0.5, load_per_cpu=0.7, disk_free_bytes=500, disk_total_bytes=1000)


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text, encoding="utf-8")
    return folder


def test_this_machine_says_everything(tmp_path: Path) -> None:
    found = read_machine(tmp_path / "not" / "there")
    assert 0 < (found.disk_free_share or 0) <= 1
    assert 0 < (found.memory_available_share or 0) <= 1
    assert found.load_per_cpu is not None


def test_memory_is_what_is_available(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)
    found = read_machine(tmp_path, meminfo=tmp_path / "meminfo", cgroup=tmp_path)
    assert found.memory_available_share == 0.4


def test_a_containers_limit_counts_where_it_is_closer(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    found = read_machine(tmp_path, meminfo=tmp_path / "meminfo", cgroup=tmp_path)
    assert found.memory_available_share == pytest.approx(0.1)
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 300\n")
    found = read_machine(tmp_path, meminfo=tmp_path / "meminfo", cgroup=tmp_path)
    assert found.memory_available_share == 0.4


@pytest.mark.parametrize("limit", ["max", "0", ""])
def test_without_a_limit_a_container_says_nothing(tmp_path: Path, limit: str) -> None:
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("900")
    assert read_machine(tmp_path, meminfo=tmp_path / "no", cgroup=tmp_path).memory_available_share is None


def look(day: int, by: str = "sensor") -> Look:
    return Look(at=NOW + dt.timedelta(days=day), by=by, machine=MACHINE)  # type: ignore[arg-type]


def test_looks_come_back_in_order_and_a_cut_line_is_passed_over(tmp_path: Path) -> None:
    log = LookLog(tmp_path)
    assert log.read() == []
    log.append(look(0))
    with log.path.open("ab") as file:
        file.write(b'{"at": "2026-')
    log.append(look(1))
    assert log.read() == [look(0), look(1)]


def test_a_long_log_loses_its_oldest_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_log, "READ_BYTES", 600)
    monkeypatch.setattr(look_log, "LARGEST_BYTES", 2000)
    log = LookLog(tmp_path)
    for day in range(40):
        log.append(look(day))
    assert log.path.stat().st_size < 2500
    assert log.read()[-1] == look(39)


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "health").write_text("a file")
    with pytest.raises(Unavailable, match="can't be written"):
        LookLog(tmp_path).append(look(0))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://127.0.0.1:1"])
def test_a_service_that_cant_be_asked_is_not_well(url: str) -> None:
    assert ask_health(url, seconds=1.0) != "ok"


def test_something_else_than_a_health_page_is_not_well() -> None:
    with receiving() as other:
        assert ask_health(f"http://127.0.0.1:{other.port}", seconds=1.0) == "it isn't a health page"
