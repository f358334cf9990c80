"""Own tests: the team's tests of a features module, run by pytest in a process of its own, without network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import msgspec

from ml_platform.core.code_tests import By, CodeTest
from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.stages.code_tests.attempt import untried
from ml_platform.stages.code_tests.in_child import HASH_SEEDS, told_by_child
from ml_platform.stages.code_tests.said import AskedOwn
from ml_platform.stages.code_tests.whereabouts import whereabouts_of
from ml_platform.stages.features_module import FeaturesModule

FOLDER = "tests"
PATTERN = "test_*.py"
WALL_SECONDS = 300.0
ALL = "own_tests"
STEP = "Correct the code or the test; `pytest` in that folder shows the values, which aren't told here."
CAN_RUN = (
    "Install pytest where the model is released, correct the test that ends or blocks its process, or cut it short."
)


def own_folder(module: FeaturesModule) -> Path:
    """Return where the team's tests lie: the folder `tests` beside the module."""
    return module.path.parent / FOLDER


def own_digest(module: FeaturesModule) -> str:
    """Return the digest of all files of the tests' folder; "" when it holds no test file."""
    folder = own_folder(module)
    if not any(folder.rglob(PATTERN)):
        return ""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return digest_of({path.relative_to(folder).as_posix(): digest_of_bytes(path.read_bytes()) for path in paths})


def run_own(module: FeaturesModule, *, wall: float = WALL_SECONDS) -> tuple[CodeTest, ...]:
    """Return what came of each of the team's tests; () when there are none."""
    if not own_digest(module):
        return ()
    if importlib.util.find_spec("pytest") is None:
        return (_untried("pytest isn't installed here"),)
    asked = AskedOwn(folder=str(own_folder(module)), where=whereabouts_of(module.name))
    lines, ended = told_by_child(msgspec.json.encode(asked), "own_child", hash_seed=HASH_SEEDS[0], wall=wall)
    found = tuple(line.test for line in lines if line.test)
    whole = any(line.ends for line in lines)
    if whole and found:
        return found
    at = next((line.begins for line in reversed(lines) if line.begins), "")
    reason = (ended or "pytest told nothing") if not whole else "pytest found no test in the files"
    return (*found, _untried(f"{reason}{f' in {at}' if at and not whole else ''}"))


def _untried(reason: str) -> CodeTest:
    return untried(ALL, reason, by=By.TEAM, next_step=CAN_RUN)
