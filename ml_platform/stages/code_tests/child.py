"""Child: `python -m ml_platform.stages.code_tests.child` tries the features module that its standard input names."""

from __future__ import annotations

import sys
from typing import IO

import msgspec

from ml_platform.core.code_tests import CodeTest
from ml_platform.core.errors import PlatformError
from ml_platform.stages.code_tests.attempt import attempt, untried
from ml_platform.stages.code_tests.catalogue import CHECKS, QUIET, QUIET_STEP, RUNS, RUNS_STEP
from ml_platform.stages.code_tests.material import Material, of_bytes
from ml_platform.stages.code_tests.offline import go_offline
from ml_platform.stages.code_tests.run_checks import fingerprint, run_checks
from ml_platform.stages.code_tests.said import Asked, Line, say
from ml_platform.stages.code_tests.silence import Counting, take_output
from ml_platform.stages.code_tests.whereabouts import look_there
from ml_platform.stages.features_module import FeaturesModule, load_named


def main() -> None:
    """Try the module and tell what came of it."""
    line, _, block = sys.stdin.buffer.read().partition(b"\n")
    asked, material = msgspec.json.decode(line, type=Asked), of_bytes(block)
    out, printed = take_output()
    go_offline()
    _try(asked, material, out, printed)


def _try(asked: Asked, material: Material, out: IO[bytes], printed: Counting) -> None:
    say(out, Line(begins=RUNS))
    loaded: list[FeaturesModule] = []
    done = attempt(RUNS, lambda: _load(asked, loaded), next_step=RUNS_STEP, seconds=asked.seconds)
    if not loaded:
        for test in (done, *(untried(name, f"{RUNS} failed") for name in CHECKS)):
            say(out, Line(test=test))
        return
    module = loaded[0]
    if not asked.only_fingerprint:
        for test in run_checks(
            module, material, seconds=asked.seconds, begins=lambda name: say(out, Line(begins=name))
        ):
            say(out, Line(test=test))
        say(out, Line(test=_quiet(printed)))
    say(out, Line(code_digest=module.digest, fingerprint=_fingerprint(module, material)))


def _load(asked: Asked, loaded: list[FeaturesModule]) -> str:
    look_there(asked.where)
    loaded.append(load_named(asked.features, model=asked.model))
    return ""


def _quiet(printed: Counting) -> CodeTest:
    count = printed.characters
    wrong = f"{count:,} characters were printed while it was imported and called" if count else ""
    return attempt(QUIET, lambda: wrong, next_step=QUIET_STEP, seconds=1.0)


def _fingerprint(module: FeaturesModule, material: Material) -> str:
    try:
        return fingerprint(module, material)
    except PlatformError:
        return ""  # the first test says why


if __name__ == "__main__":
    main()
