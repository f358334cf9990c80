"""Kill a process that changes a home's keys, at any point: everything opens, and the rotation can be finished."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_platform.adapters.key_rotation import rewrap_all
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.sealed_home import sealed_files
from ml_platform_tests.adapters.sealed_world import filled, require_readable

DIGESTS = 4


@pytest.mark.drill
def test_a_rotation_killed_at_any_point_leaves_everything_readable(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    filled(tmp_path, digests=DIGESTS)
    rng = random.Random(20130701)
    for _ in range(drill_count(3, 200)):
        command = [sys.executable, "-m", "ml_platform_tests.drills.rotating", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.1))
            child.kill()
        require_readable(tmp_path, digests=DIGESTS)
        keys = FileKeys(tmp_path)
        done = rewrap_all(sealed_files(tmp_path), keys)
        assert done.problems == ()
        for each in keys.versions()[:-1]:
            keys.retire(each.version)
        require_readable(tmp_path, digests=DIGESTS)
