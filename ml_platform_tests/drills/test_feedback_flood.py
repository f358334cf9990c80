"""As much feedback as many clients can send: what was acknowledged is on the disk once, the rest was sent away."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from ml_platform.adapters.feedback_log import feedback_folder, read_feedback
from ml_platform.adapters.keys import FileKeys
from ml_platform_tests.drills.load import Load, reply
from ml_platform_tests.serving.asking import serving
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, begin_rollout, expected_scores, make_live, put_model
from ml_platform_tests.serving.test_many_connections import resident_bytes
from ml_platform_tests.serving.ways_in import FEEDBACK

BODY = json.dumps({"dataframe_records": [GOOD_ROW]}).encode()
CLIENTS = 16
# What the bodies that wait (8 MB a worker) and what is remembered of remarks may come to.
MOST_GROWN_BYTES = 150 << 20


@dataclass(slots=True)
class Flood:
    """Sends requests with so many remarks each until a number of remarks was sent, or for some seconds."""

    port: int
    remarks: int
    most: int
    seconds: float
    acknowledged: set[str] = field(default_factory=set)
    statuses: Counter[bytes] = field(default_factory=Counter)
    _numbers: count[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> float:
        """Return how many seconds it took."""
        began = time.monotonic()
        threads = [threading.Thread(target=self._send, args=(began + self.seconds,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - began

    def _send(self, ends: float) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as client:
            while time.monotonic() < ends:
                number = next(self._numbers)
                if number * self.remarks >= self.most:
                    return
                ids = [f"{number * self.remarks + each:032x}" for each in range(self.remarks)]
                said = [{"prediction_id": one, "outcome": 1, "comment": "as was to be expected"} for one in ids]
                body = json.dumps({"feedback": said}).encode()
                client.sendall(FEEDBACK.head(len(body)) + body)
                status, _ = reply(client)
                with self._lock:
                    self.statuses[status] += 1
                    if status == b"200":
                        self.acknowledged.update(ids)
                if status != b"200":
                    time.sleep(0.05)  # a second is asked for; this one is impatient


@pytest.mark.drill
@pytest.mark.parametrize("remarks", [1, 500], ids=["alone", "together"])
def test_a_flood_of_feedback_loses_nothing_acknowledged_and_holds_up_no_score(
    tmp_path: Path, remarks: int, drill_count: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    most = drill_count(300 if remarks == 1 else 4_000, 1_000_000)
    make_live(tmp_path, put_model(tmp_path))
    begin_rollout(tmp_path, put_model(tmp_path, seed=2), weight=0.5)
    with serving(tmp_path, "--workers", "2") as server:
        before = resident_bytes(server)
        flood = Flood(server.port, remarks, most, seconds=60)
        with Load(server.port, [BODY], per_second=20).running() as load:
            seconds = flood.run()
        grown = resident_bytes(server) - before
        assert server.ask("GET", "/health").json["status"] == "ok"
        code, said = server.end()
    assert (code, "Traceback" in said) == (0, False), said
    assert flood.statuses.keys() <= {b"200", b"503"}
    assert flood.acknowledged
    heard = read_feedback(feedback_folder(tmp_path, "staging", MODEL), keys=FileKeys(tmp_path))
    kept = Counter(one.prediction_id for one in heard.remarks)
    assert flood.acknowledged <= kept.keys()
    assert (set(kept.values()), heard.torn, heard.repeated) == ({1}, 0, 0)
    assert (load.lost, load.refused) == (0, [])
    assert {one.score == expected_scores([GOOD_ROW], seed=one.version)[0] for one in load.answers} == {True}
    assert grown < MOST_GROWN_BYTES
    taken, times = len(flood.acknowledged), sorted(one.received - one.sent for one in load.answers)
    median = 1000 * times[len(times) // 2]
    figures = (
        f"{taken:,} remarks, {remarks} a request, in {seconds:.0f} s: {taken / seconds:,.0f}/s; {grown / 1e6:.0f} MB "
        f"more; {flood.statuses[b'503']} requests sent away; scores meanwhile in {median:.0f} ms (p50)"
    )
    record_property("figures", figures)
    sys.stdout.write(f"{figures}\n")
