"""The meter: CPU seconds, wall seconds and peak memory between two moments of this process."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ml_platform.core.spent import Usage

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_PEAK_OF_OWN = "5"  # Linux: forget the highest resident size, count from now on


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The state of the process when it began; `read` says what was used since."""

    cpu_seconds: float
    wall_seconds: float
    resets: bool

    def read(self) -> Usage:
        """Return what was used since; the peak is the process' own highest resident memory."""
        return Usage(
            cpu_seconds=max(0.0, _cpu_seconds() - self.cpu_seconds),
            wall_seconds=max(0.0, time.perf_counter() - self.wall_seconds),
            peak_bytes=_peak_since_reset() if self.resets else _peak_of_process(),
            peak_is_own=self.resets,
        )


def start_meter() -> Meter:
    """Begin to measure; where the peak can't be set back (not on Linux, or not allowed) it is the process' so far."""
    return Meter(cpu_seconds=_cpu_seconds(), wall_seconds=time.perf_counter(), resets=_reset_peak())


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _reset_peak() -> bool:
    try:
        _RESET.write_text(_PEAK_OF_OWN, encoding="ascii")
        _peak_since_reset()
    except (OSError, StopIteration):
        return False
    return True


def _peak_since_reset() -> int:
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    line = next(line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _peak_of_process() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
