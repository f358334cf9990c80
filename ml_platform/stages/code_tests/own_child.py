"""Own child: `python -m ml_platform.stages.code_tests.own_child` runs the tests of a folder and tells their outcomes.

Of a failure only the kind of error and the line are told: the words of an assertion may hold values.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

import msgspec

from ml_platform.core.code_tests import By, CodeTest, Tried
from ml_platform.stages.code_tests.offline import go_offline
from ml_platform.stages.code_tests.own import STEP
from ml_platform.stages.code_tests.said import AskedOwn, Line, say
from ml_platform.stages.code_tests.silence import take_output
from ml_platform.stages.code_tests.whereabouts import look_there

# No settings, plugins or caches from around the folder: the outcome is that of its files.
ARGUMENTS = (
    "-c", "/dev/null", "--import-mode=importlib", "--disable-plugin-autoload", "-p", "no:cacheprovider",
    "-p", "no:terminal", "-p", "no:faulthandler", "--capture=sys",
)  # fmt: skip


class Recorder:
    """A pytest plugin that tells each test's outcome at once."""

    def __init__(self, out: IO[bytes], folder: Path) -> None:
        self.out = out
        self.folder = folder

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:  # noqa: ARG002
        """Tell that a test begins."""
        say(self.out, Line(begins=nodeid))

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401  (pytest isn't imported by the product)
        """Tell what came of a test; its set-up and its end count when they fail."""
        if report.when == "call" or report.outcome != "passed":
            self._tell(report.nodeid, report)

    def pytest_collectreport(self, report: Any) -> None:  # noqa: ANN401
        """Tell of a file that can't be read as tests."""
        if report.outcome == "failed":
            self._tell(report.nodeid or "the folder", report)

    def _tell(self, name: str, report: Any) -> None:  # noqa: ANN401
        outcome = {"passed": Tried.PASSED, "skipped": Tried.NOT_APPLICABLE}.get(report.outcome, Tried.FAILED)
        reason = (
            "" if outcome is Tried.PASSED else "skipped" if report.outcome == "skipped" else _seen(report, self.folder)
        )
        step = STEP if outcome is Tried.FAILED else ""
        say(self.out, Line(test=CodeTest(name=name, by=By.TEAM, outcome=outcome, reason=reason, next_step=step)))


def _seen(report: Any, folder: Path) -> str:  # noqa: ANN401
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return "it can't be imported" if report.when == "collect" else "it failed"
    kind = str(crash.message).split("\n")[0].partition(":")[0].rpartition(".")[2]
    told = f" ({kind})" if kind.isidentifier() else ""
    places = [entry.reprfileloc for entry in report.longrepr.reprtraceback.reprentries if entry.reprfileloc]
    inside = [one for one in places if Path(one.path).resolve().is_relative_to(folder)]
    at = inside[-1] if inside else crash
    return f"{Path(at.path).name}:{at.lineno}: failed{told}"


def main() -> None:
    """Run the tests and tell what came of them."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=AskedOwn)
    out, _ = take_output()
    look_there(asked.where)
    go_offline()
    import pytest

    folder = Path(asked.folder).resolve()
    scope = (f"--rootdir={folder}", f"--confcutdir={folder}")
    code = pytest.main([*ARGUMENTS, *scope, str(folder)], plugins=[Recorder(out, folder)])
    say(out, Line(ends=f"pytest {int(code)}"))


if __name__ == "__main__":
    main()
