"""A pytest option for packages of which every line and branch must be reached: `--cov-whole=ml_platform/core`."""

from __future__ import annotations

import io
from collections.abc import Generator, Sequence

import pytest

REPORT = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cov-whole",
        action="append",
        default=[],
        metavar="FOLDER",
        help="fail when a line or branch of this folder wasn't reached (with --cov; repeatable)",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Read what pytest-cov has just combined; runs around its own hook, so after it has finished."""
    ran = yield
    folders: Sequence[str] = session.config.getoption("cov_whole")
    part_of_a_run = hasattr(session.config, "workerinput")  # a worker of pytest-xdist sees only what it ran itself
    if folders and not part_of_a_run and not session.config.getoption("collectonly"):
        report = unreached(folders)
        session.config.stash[REPORT] = report
        session.testsfailed += bool(report)
    return ran


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    folders = ", ".join(config.getoption("cov_whole"))
    report = config.stash.get(REPORT, None)
    if report:
        terminalreporter.section(f"not everything was reached in {folders}", red=True)
        terminalreporter.write_line(report)
    elif report is not None:
        terminalreporter.write_line(f"Every line and branch was reached in {folders}.", green=True)


def unreached(folders: Sequence[str]) -> str:
    """Report the lines and branches of `folders` that no test reached; empty when there are none."""
    from coverage import Coverage
    from coverage.exceptions import CoverageException

    measured, report = Coverage(), io.StringIO()
    try:
        measured.load()
        total = measured.report(
            include=[f"{folder}/*" for folder in folders], file=report, show_missing=True, skip_covered=True
        )
    except CoverageException as error:
        return f"no coverage was measured: {error}"
    return "" if total == 100 else report.getvalue()
