"""`ml-platform traffic` compacts a log beside its service, says what is in it, and deletes only when told how much."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import TrafficLog, read, traffic_folder
from ml_platform.settings import load_settings
from ml_platform_tests.adapters.test_traffic_log import START, prediction
from ml_platform_tests.cli.conftest import Run

ROWS = 2000


def filled(days: int) -> Path:
    home = load_settings().home
    folder = traffic_folder(home, "production", "late")
    for day in range(days):
        at = START + dt.timedelta(days=day)
        inputs = {f"column {column}": f"{day}{column}" * 50 for column in range(9)}
        log = TrafficLog(folder, keys=FileKeys(home))
        log.append([dataclasses.replace(prediction(day * ROWS + row), at=at, inputs=inputs) for row in range(ROWS)])
        log.close()
    return folder


def test_a_log_is_compacted_and_shown(run: Run) -> None:
    folder = filled(2)
    said = run("traffic", "compact", "late")
    assert said.code == 0, said.err
    assert "4,000 predictions of 2 segments are in files of 2 days" in said.out
    shown = run("traffic", "show", "late")
    assert "2013-06-02         2,000 predictions" in shown.out
    assert "not compacted yet: 0 segments" in shown.out
    assert len(read(folder, keys=FileKeys(load_settings().home)).predictions) == 4000


def test_a_log_that_stays_too_large_is_said_and_its_oldest_days_go_only_when_asked(run: Run) -> None:
    folder = filled(1)
    (folder / "other").write_bytes(bytes(1 << 20))
    said = run("traffic", "compact", "late", "--most-mb", "1")
    assert (said.code, "more than 1 MB; --drop-oldest deletes" in said.err) == (1, True)
    filled(2)
    said = run("traffic", "compact", "late", "--most-mb", "1", "--drop-oldest")
    assert "dropped for good: 2013-06-01, 4,000 predictions" in said.out
    assert "traffic_dropped" in run("audit", "show", "--last", "1").out
    assert len(read(folder, keys=FileKeys(load_settings().home)).predictions) == 2000


def test_what_cannot_be_done_is_said(run: Run) -> None:
    assert "needs to have been served in production first" in run("traffic", "compact", "late").err
    folder = filled(1)
    assert run("traffic", "compact", "late", "--drop-oldest").code == 2
    (folder / "0.log").write_bytes(b"0 {}\n")
    said = run("traffic", "compact", "late")
    assert (said.code, "plain text" in said.err) == (1, True)
