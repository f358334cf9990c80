"""What every test gets: a quiet environment without network, counts for drills, a real browser where there is one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from ml_platform_tests.house.chromium import chromium, why_no_chromium
from ml_platform_tests.house.quick_sqlite import pytest_collection_finish
from ml_platform_tests.house.quiet import be_quiet, no_network
from ml_platform_tests.house.whole_coverage import (  # hooks work from a conftest's namespace
    pytest_addoption as _coverage_options,
)
from ml_platform_tests.house.whole_coverage import pytest_runtestloop, pytest_terminal_summary

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["pytest_collection_finish", "pytest_runtestloop", "pytest_terminal_summary"]

be_quiet()  # before any third party is imported

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: children would never hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine is no reason to fail; the same examples come every time, until a drill looks for new ones.
_PATIENT = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("small", _PATIENT, derandomize=True)
hypothesis.settings.register_profile("full", _PATIENT, max_examples=2_000)


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile(config.getoption("drills"))


def pytest_addoption(parser: pytest.Parser) -> None:
    _coverage_options(parser)
    parser.addoption("--drills", choices=["small", "full"], default="small", help="how often drills repeat")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reason = why_no_chromium()
    for item in items:
        if item.get_closest_marker("drill") and config.getoption("drills") == "full":
            item.add_marker(pytest.mark.timeout(0))  # some take an hour
        if reason and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _stay_on_this_machine() -> Iterator[None]:
    with no_network():
        yield


@pytest.fixture(scope="session")
def drill_count(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Choose between a small count and the full one: `drill_count(5, 200)`."""
    full = request.config.getoption("drills") == "full"
    return lambda small, all_of_them: all_of_them if full else small


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Share one Chromium among the browser tests of a file: a page that stays open goes on computing."""
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Share one MLflow database: making its tables takes seconds, and it is never an authority."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
