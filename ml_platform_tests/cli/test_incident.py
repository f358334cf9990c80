"""`ml-platform incident` keeps a wrong answer, lists what is due, and closes with a reason."""

from __future__ import annotations

from pathlib import Path

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.settings import load_settings
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME, write_model
from ml_platform_tests.cli.test_feedback import predictions

NEW = ("incident", "new", NAME, "--by", "vera", "--reason", "it came on the promised day")


def test_an_incident_is_opened_listed_and_closed(defs: Path, run: Run) -> None:
    write_model(defs)
    home = load_settings().home
    log = TrafficLog(traffic_folder(home, "production", NAME), keys=FileKeys(home))
    log.append(predictions())
    log.close()
    assert "has no prediction 'p9'" in run(*NEW, "--prediction", "p9", "--expected", "negative").err
    assert "nothing is expected" in run(*NEW, "--prediction", "p0").err
    said = run(*NEW, "--prediction", "p0", "--expected", "negative", "--at-most", "0.2", "--review", "2020-01-02")
    assert said.code == 0
    name = said.out.split()[1].rstrip(":")
    listed = run("incident", "list", NAME).out
    assert f"{name}  open; its review is due" in listed
    assert "expected: score at most 0.2, decision negative; v1 answered 0.5" in listed
    assert "where: carrier = land" in listed
    assert "why: it came on the promised day (by vera" in listed
    assert (
        "is no open incident"
        in run("incident", "close", NAME, "other", "--by", "vera", "--reason", "it was a test").err
    )
    assert run("incident", "close", NAME, name, "--by", "vera", "--reason", "it was a test").code == 0
    assert "no open incidents" in run("incident", "list", NAME).out
    assert f"{name}  closed by vera: it was a test" in run("incident", "list", NAME, "--all").out
    with open_platform(load_settings()) as platform:
        entry = platform.ledger.last("incident_closed", subject=NAME)
    assert entry is not None
    assert entry.actor == "vera"
