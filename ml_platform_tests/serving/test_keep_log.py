"""The service keeps its log within its size: compacted, then refused or, if asked for, cut with a word in the audit."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.compact_traffic import days_in, size_of
from ml_platform.adapters.keep_traffic import DROPPED
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.traffic_log import TrafficLog, read, traffic_folder
from ml_platform.serving.keep_log import Keeper, command, main
from ml_platform_tests.adapters.test_traffic_log import START, prediction
from ml_platform_tests.serving.asking import send, serving, wait_until
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL

if TYPE_CHECKING:
    import pytest


def filled(home: Path, days: int) -> Path:
    folder = traffic_folder(home, "staging", MODEL)
    for day in range(days):
        log = TrafficLog(folder, keys=FileKeys(home))
        at = START + dt.timedelta(days=day)
        log.append([dataclasses.replace(prediction(1000 * day + number), at=at) for number in range(200)])
        log.close()
    return folder


def test_days_are_dropped_only_where_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = filled(tmp_path, 3)
    keeping = command(tmp_path, MODEL, "staging", folder, most_bytes=1, drop_oldest=False)
    assert main(keeping[3:]) == 0
    assert len(read(folder, keys=FileKeys(tmp_path)).predictions) == 600
    assert not (tmp_path / "ledger.sqlite").exists()
    keeping = command(tmp_path, MODEL, "staging", folder, most_bytes=size_of(folder) - 1, drop_oldest=True)
    assert main(keeping[3:]) == 0
    assert [day.predictions for day in days_in(folder, keys=FileKeys(tmp_path))] == [200, 200]
    with contextlib.closing(SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: START)) as ledger:
        (word,) = [entry for entry in ledger.audit() if entry.action == DROPPED]
    assert (word.actor, word.subject) == ("scoring service", f"{MODEL}/staging")
    assert (word.payload["day"], word.payload["predictions"]) == ("2013-06-01", 200)
    monkeypatch.setattr("ml_platform.adapters.ledger.SqliteLedger.append", _lost)
    assert main([*keeping[3:-1], "1"]) == 2
    assert len(days_in(folder, keys=FileKeys(tmp_path))) == 2


def _lost(*_: object, **__: object) -> None:
    from ml_platform.core.errors import Unavailable

    raise Unavailable("the ledger can't be written")


def test_the_process_is_started_one_at_a_time_and_not_too_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    keeper = Keeper([sys.executable, "-c", f"open({str(said)!r}, 'a').write('x')"])
    keeper()
    keeper()
    wait_until(said.exists)
    assert keeper._child is not None
    keeper._child.wait()
    keeper()
    assert said.read_text() == "x"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 31)
    keeper()
    keeper._child.wait()
    assert said.read_text() == "xx"


def test_a_service_whose_log_is_full_says_so_and_one_that_may_drop_goes_on(home: Path) -> None:
    folder = filled(home, 4)
    body = json.dumps({"inputs": [GOOD_ROW]}).encode()
    with serving(home, "--log-bytes", str(size_of(folder) * 3 // 4), "--drop-oldest") as server:
        wait_until(lambda: "that it may" in str(server.ask("GET", "/health").json["problems"]))
        assert server.ask("GET", "/health").status == 503
        refused = server.ask("POST", "/invocations", body)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        wait_until(lambda: server.ask("GET", "/health").status == 200, 40)
        with contextlib.closing(server.connect()) as connection:
            assert send(connection, "POST", "/invocations", body).status == 200
