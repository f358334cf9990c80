"""Attempt: one test, tried under a time limit; whatever the author's code does becomes an outcome in words."""

from __future__ import annotations

from collections.abc import Callable

from ml_platform.core.code_tests import By, CodeTest, Tried
from ml_platform.core.errors import PlatformError
from ml_platform.stages.author_code import line_in
from ml_platform.stages.code_tests.bench import NotApplicable
from ml_platform.stages.code_tests.time_limit import TimeIsUp, time_limit
from ml_platform.stages.features_module import FeaturesModule


def attempt(
    name: str, find: Callable[[], str], *, next_step: str, seconds: float, module: FeaturesModule | None = None
) -> CodeTest:
    """Return what came of a test of the platform; `find` says what is wrong."""
    outcome, reason, fatal = _found(find, seconds, module)
    if module is not None:
        reason = reason.replace(str(module.path), module.path.name)
    step = next_step if outcome is Tried.FAILED else ""
    return CodeTest(name=name, by=By.PLATFORM, outcome=outcome, reason=reason, next_step=step, fatal=fatal)


def _found(find: Callable[[], str], seconds: float, module: FeaturesModule | None) -> tuple[Tried, str, bool]:
    try:
        with time_limit(seconds):
            wrong = find()
    except NotApplicable as error:
        return Tried.NOT_APPLICABLE, str(error), False
    except PlatformError as error:
        return Tried.FAILED, str(error), False
    except TimeIsUp as error:
        return Tried.FAILED, f"{_where(module, error)}still running after {seconds:g} s", True
    except SystemExit as error:
        return Tried.FAILED, f"{_where(module, error)}the module ends its process", True
    except Exception as error:  # noqa: BLE001  (an author's code may fail in any way; its words may hold values)
        return Tried.FAILED, f"{_where(module, error)}failed ({type(error).__name__})", False
    return (Tried.FAILED, wrong, False) if wrong else (Tried.PASSED, "", False)


def _where(module: FeaturesModule | None, error: BaseException) -> str:
    line = line_in(module, error) if module else 0
    return f"{module.path}:{line}: " if module and line else ""


def untried(name: str, reason: str, *, by: By = By.PLATFORM, next_step: str = "") -> CodeTest:
    """Return a test that couldn't be tried."""
    return CodeTest(name=name, by=by, outcome=Tried.UNTRIED, reason=reason, next_step=next_step)
