"""The machine: how much memory, processor and disk is left, as the operating system says."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ml_platform.core.health import Machine

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def read_machine(home: Path, *, meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> Machine:
    """Return what is left; the disk is the one that the home lies on, memory that of a container if it has a limit."""
    free, total = _disk(home)
    shares = [share for share in (_memory(meminfo), _container(cgroup)) if share is not None]
    return Machine(
        memory_available_share=min(shares, default=None), load_per_cpu=_load(),
        disk_free_bytes=free, disk_total_bytes=total,
    )  # fmt: skip


def _disk(home: Path) -> tuple[int | None, int | None]:
    place = next((folder for folder in (home, *home.parents) if folder.exists()), home)
    try:
        usage = shutil.disk_usage(place)
    except OSError:
        return None, None
    return usage.free, usage.total


def _load() -> float | None:
    try:
        return os.getloadavg()[1] / (os.cpu_count() or 1)
    except OSError:
        return None


def _memory(meminfo: Path) -> float | None:
    text = _text(meminfo)
    found = dict(re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB", text, re.MULTILINE))
    total = int(found.get("MemTotal", 0))
    return int(found["MemAvailable"]) / total if total and "MemAvailable" in found else None


def _container(cgroup: Path) -> float | None:
    """Return the share that a container's own limit leaves, file pages that can be given back not counted as used."""
    limit, used = _text(cgroup / "memory.max").strip(), _text(cgroup / "memory.current").strip()
    if not limit.isdigit() or not used.isdigit() or int(limit) == 0:
        return None
    pages = re.search(r"^inactive_file (\d+)", _text(cgroup / "memory.stat"), re.MULTILINE)
    held = int(used) - (int(pages[1]) if pages else 0)
    return min(max(1 - held / int(limit), 0.0), 1.0)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
