"""Work for Dask's workers in tests; a module of its own, so that they import nothing else for it."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path


def process_of(_: object) -> int:
    return os.getpid()


def slowly(seconds: float) -> None:
    time.sleep(seconds)


def greedily(size: int) -> int:
    """Ask for more than the system gives this process."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + size // 2, before[1]))
    try:
        return len(bytearray(size))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def holding(size: int) -> None:
    """Hold so many bytes until somebody ends this process."""
    held = bytearray(b"x" * size)
    time.sleep(60)
    assert held
