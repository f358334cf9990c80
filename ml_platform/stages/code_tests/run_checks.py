"""Run checks: every test of `fit` and `transform`, one after the other, in this process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from ml_platform.core.code_tests import CodeTest
from ml_platform.core.digest import canonical_json, digest_of_bytes
from ml_platform.stages.code_tests.attempt import attempt, untried
from ml_platform.stages.code_tests.bench import Bench, set_up
from ml_platform.stages.code_tests.catalogue import CHECKS, RUNS, RUNS_STEP
from ml_platform.stages.code_tests.material import Material
from ml_platform.stages.features_module import FeaturesModule

SECONDS = 20.0


def run_checks(
    module: FeaturesModule,
    material: Material,
    *,
    seconds: float = SECONDS,
    begins: Callable[[str], None] = lambda _: None,
) -> Iterator[CodeTest]:
    """Yield what came of each test; `begins` is told its name before.

    When the module can't even make features of real rows, or a test ran out of time, the rest isn't tried.
    """
    begins(RUNS)
    made: list[Bench] = []
    first = attempt(RUNS, lambda: _set_up(module, material, made), next_step=RUNS_STEP, seconds=seconds, module=module)
    yield first
    stopped = "" if made else f"{RUNS} failed"
    for name, check in CHECKS.items():
        if stopped:
            yield untried(name, stopped)
            continue
        begins(name)
        bench = made[0]
        find = functools.partial(check.find, bench)
        done = attempt(name, find, next_step=check.next_step, seconds=seconds, module=module)
        yield done
        if done.fatal:
            stopped = f"{name} blocked or ended the process"


def fingerprint(module: FeaturesModule, material: Material) -> str:
    """Return the digest of what the module learns and makes, to the bit; raises DataInvalid when it can't."""
    bench = set_up(module, material)
    values = b"".join(values.tobytes() for values in bench.features.values())
    return digest_of_bytes(canonical_json([bench.state, list(bench.features)]).encode() + values)


def _set_up(module: FeaturesModule, material: Material, made: list[Bench]) -> str:
    made.append(set_up(module, material))
    return ""
