"""In a child: the tests run in a process of their own, under a time limit, without network, and once more elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from ml_platform.core.code_tests import CodeTest
from ml_platform.stages.code_tests.attempt import attempt, untried
from ml_platform.stages.code_tests.catalogue import CHECKS, ELSEWHERE, ELSEWHERE_STEP, QUIET, RUNS
from ml_platform.stages.code_tests.material import Material, to_bytes
from ml_platform.stages.code_tests.run_checks import SECONDS
from ml_platform.stages.code_tests.said import Asked, Line, heard
from ml_platform.stages.code_tests.whereabouts import whereabouts_of
from ml_platform.stages.features_module import FeaturesModule

WALL_SECONDS = 120.0
# A set of texts comes in another order in each: the second process has another hash seed.
HASH_SEEDS = ("1", "2")
ENV = "/usr/bin/env"


def try_in_child(
    module: FeaturesModule, material: Material, *, model: str, seconds: float = SECONDS, wall: float = WALL_SECONDS
) -> Iterator[CodeTest]:
    """Yield the platform's tests of `fit` and `transform`; a child that dies or hangs is an outcome too."""
    asked = Asked(features=module.name, model=model, where=whereabouts_of(module.name), seconds=seconds)
    block = to_bytes(material)
    lines, ended = told_by_child(_content(asked, block), "child", hash_seed=HASH_SEEDS[0], wall=wall)
    found = {line.test.name: line.test for line in lines if line.test}
    at = next((line.begins for line in reversed(lines) if line.begins), RUNS)
    for name in (RUNS, *CHECKS, QUIET):
        yield found.get(name) or _not_told(name, at, ended)
    first = next((line for line in lines if line.code_digest), None)
    yield _elsewhere(module, first, asked, block, wall=wall)


def told_by_child(content: bytes, name: str, *, hash_seed: str, wall: float) -> tuple[list[Line], str]:
    """Run one of this package's modules with an input; return its lines, and how it ended if that wasn't well."""
    command = [ENV, f"PYTHONHASHSEED={hash_seed}", sys.executable, "-m", f"{__package__}.{name}"]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        return [], f"a process couldn't be started ({error.strerror})"
    with child:
        try:
            out, _ = child.communicate(content, timeout=wall)
        except subprocess.TimeoutExpired:
            _kill(child.pid)
            out, _ = child.communicate()
            return heard(out), f"the process was ended after {wall:g} s"
        _kill(child.pid)  # what it may have left behind
    code = child.returncode
    ended = (
        ""
        if code == 0
        else f"the process was ended by signal {-code}"
        if code < 0
        else f"the process ended with {code}"
    )
    return heard(out), ended


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _content(asked: Asked, block: bytes) -> bytes:
    return msgspec.json.encode(asked) + b"\n" + block


def _not_told(name: str, at: str, ended: str) -> CodeTest:
    reason = ended or "the process said nothing of it"
    if name != at or not ended:
        return untried(name, f"{reason} in {at}")
    step = "Correct the module; it must not end or block its process."
    return replace(attempt(name, lambda: reason, next_step=step, seconds=1.0), fatal=True)


def _elsewhere(module: FeaturesModule, first: Line | None, asked: Asked, block: bytes, *, wall: float) -> CodeTest:
    """Compare the bits that two processes made of the same rows."""
    if first is None or not first.fingerprint:
        return untried(ELSEWHERE, "the first process made no features to compare with")
    if first.code_digest != module.digest:
        return untried(ELSEWHERE, "the module's file changed while it was tested")
    again = replace(asked, only_fingerprint=True)
    lines, ended = told_by_child(_content(again, block), "child", hash_seed=HASH_SEEDS[1], wall=wall)
    other = next((line for line in lines if line.code_digest), None)
    if other is None or not other.fingerprint:
        return untried(ELSEWHERE, ended or "the second process made no features")
    wrong = "" if other.fingerprint == first.fingerprint else "the same rows gave other bits"
    return attempt(ELSEWHERE, lambda: wrong, next_step=ELSEWHERE_STEP, seconds=1.0)
