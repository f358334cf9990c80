"""Several workers serve as one: counted together, started anew, ended together, without a lost connection."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.serving.board import HEAD_BYTES, PLACE_BYTES, Board, Notes, Report
from ml_platform.serving.workers import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, Worker
from ml_platform_tests.serving.asking import Reply, Server, serving, wait_until
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores

if TYPE_CHECKING:
    import pytest

BODY = json.dumps({"dataframe_records": [GOOD_ROW]}).encode()
COUNTED = "# HELP n N.\n# TYPE n counter\nn 2\n# HELP g G.\n# TYPE g gauge\ng 1\n"


def workers_of(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def counted(server: Server, name: str) -> float:
    text = server.ask("GET", "/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def score(server: Server) -> Reply:
    return server.ask("POST", "/invocations", BODY)


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    return False


def test_workers_count_together_and_one_that_is_killed_is_started_anew_without_a_refused_connection(
    home: Path,
) -> None:
    with serving(home, "--workers", "2") as server:
        before = workers_of(server)
        assert len(before) == 2
        for _ in range(20):
            assert score(server).json["predictions"] == expected_scores([GOOD_ROW])
        wait_until(lambda: counted(server, "ml_platform_predictions_total") == 20)
        assert 'ml_platform_live_info{worker="1",' in server.ask("GET", "/metrics").body.decode()
        os.kill(before[0], signal.SIGKILL)
        answered = [ask_new(server) for _ in range(50)]
        assert answered.count(200) >= 49  # a connection that the killed one had taken is lost with it
        wait_until(lambda: len(workers_of(server)) == 2 and before[0] not in workers_of(server))
        wait_until(lambda: counted(server, "ml_platform_worker_restarts_total") == 1)
        wait_until(lambda: counted(server, "ml_platform_predictions_total") == 20 + answered.count(200))
        code, said = server.end()
    assert (code, "Traceback" in said) == (0, False)
    assert len(read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions) == 20 + answered.count(200)
    assert not any(map(alive, before))


def ask_new(server: Server) -> int:
    try:
        return score(server).status
    except ConnectionResetError:
        return 0


def test_while_it_drains_health_keeps_new_requests_away_and_those_that_come_are_answered(home: Path) -> None:
    with serving(home, "--workers", "2", "--drain-seconds", "2") as server:
        began = time.monotonic()
        with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as sender:
            head = f"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n\r\n".encode()
            sender.sendall(head + BODY[:20])
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: server.ask("GET", "/health").status == 503)
            assert server.ask("GET", "/health").json["status"] == "draining"
            late = score(server)
            assert (late.status, late.headers["connection"]) == (200, "close")
            sender.sendall(BODY[20:])
            assert b" 200 " in sender.recv(65536).splitlines()[0]
        _, said = server.ended()
        assert (server.process.returncode, "Traceback" in said) == (0, False)
        assert time.monotonic() - began >= 2
    assert len(read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions) == 2


def test_workers_end_with_who_watches_them(home: Path) -> None:
    with serving(home, "--workers", "2") as server:
        workers = workers_of(server)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        wait_until(lambda: not any(map(alive, workers)))


def test_a_worker_that_answers_nobody_any_more_is_seen_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes(3)
    boards = [Board(notes, number) for number in range(2)]
    for number, board in enumerate(boards):
        board.report(Report(time.monotonic(), 7, (f"problem {number}",), COUNTED))
    assert boards[0].problems_of_others() == ("problem 1",)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)
    assert boards[1].problems_of_others() == ("worker 0 was last heard of 60 s ago; it is started anew", "problem 0")


def test_who_takes_a_place_goes_on_counting_and_what_was_seen_of_the_present_is_forgotten() -> None:
    notes = Notes(2)
    Board(notes, 0).report(Report(time.monotonic(), 7, (), COUNTED))
    successor = Board(notes, 0)
    assert successor.merged("# HELP n N.\n# TYPE n counter\nn 5\n") == "# HELP n N.\n# TYPE n counter\nn 7\n"
    successor.report(Report(time.monotonic(), 8, (), "# HELP n N.\n# TYPE n counter\nn 5\n"))
    assert Board(notes, 0).merged("") == "# HELP n N.\n# TYPE n counter\nn 7\n"


def test_a_half_written_report_leaves_the_last_whole_one() -> None:
    notes = Notes(1)
    report = Report(1.0, 7, (), "a text")
    notes.write(0, report)
    assert notes.read(0) == report
    notes._memory[HEAD_BYTES + 3] ^= 1
    assert notes.read(0) == report
    notes.write(0, Report(2.0, 7, (), "x" * PLACE_BYTES))
    assert notes.read(0) == report


def test_a_worker_that_keeps_ending_is_started_later_and_later_until_one_works_steadily() -> None:
    worker = Worker(0)
    starts = []
    for now in range(12):
        worker.started_at = float(now)
        worker.ended(float(now))
        starts.append(worker.start_at - now)
    assert [round(seconds, 3) for seconds in starts[:4]] == [0.0, 0.2, 0.4, 0.8]
    assert max(starts) == LONGEST_PAUSE_SECONDS
    worker.ended(worker.started_at + STEADY_SECONDS)
    assert worker.start_at == worker.started_at + STEADY_SECONDS
