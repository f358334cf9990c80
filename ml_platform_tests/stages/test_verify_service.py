"""A running service is verified with real requests, against the model's own output."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.errors import DataInvalid
from ml_platform.core.input_guard import InputGuard
from ml_platform.core.measurement import Measurement
from ml_platform.stages.bundle import read_bundle
from ml_platform.stages.guarded_rows import scored_rows
from ml_platform.stages.verify_service import ephemeral_service, verify_service
from ml_platform_tests.serving.small_model import MODEL, make_live, make_rows, put_model, record_of

ROWS = make_rows(60)
METRICS = {
    "service_healthy",
    "service_serves_candidate",
    "service_scores_equal",
    "service_refuses_bad_input",
    "service_latency_p99_seconds",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_live(folder, put_model(folder, seed=1))
    return folder


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    with ephemeral_service(home, MODEL, "staging") as url:
        yield url


def verified(url: str, home: Path, digest: str, rows: list[dict[str, object]]) -> dict[str, Measurement]:
    measured = verify_service(url, store=FileArtefacts(home), model=record_of(digest), rows=rows)
    assert {one.metric for one in measured} == METRICS
    return {one.metric: one for one in measured}


def test_a_sound_service_scores_bit_for_bit_as_the_model_does(url: str, home: Path) -> None:
    measured = verified(url, home, put_model(home, seed=1), ROWS)
    for claim in ("service_healthy", "service_serves_candidate", "service_refuses_bad_input"):
        assert measured[claim].value == 1.0
    assert (measured["service_scores_equal"].value, measured["service_scores_equal"].n) == (0.0, 60)
    latency = measured["service_latency_p99_seconds"]
    assert latency.n >= 200
    assert latency.value is not None
    assert latency.value > 0


def test_a_service_that_serves_another_model_is_found_out(url: str, home: Path) -> None:
    measured = verified(url, home, put_model(home, seed=2), ROWS)
    assert measured["service_serves_candidate"].value == 0.0
    difference = measured["service_scores_equal"].value
    assert difference is not None
    assert difference > 0


def test_without_rows_what_needs_them_is_undefined(url: str, home: Path) -> None:
    measured = verified(url, home, put_model(home, seed=1), [])
    assert measured["service_healthy"].value == 1.0
    for metric in ("service_scores_equal", "service_refuses_bad_input", "service_latency_p99_seconds"):
        assert (measured[metric].value, measured[metric].n) == (None, 0)


def test_rows_that_break_the_contract_leave_scores_undefined_with_the_services_reason(url: str, home: Path) -> None:
    measured = verified(url, home, put_model(home, seed=1), [{**ROWS[0], "hour": 99}])
    assert measured["service_scores_equal"].value is None
    assert "above the declared range" in measured["service_scores_equal"].reason


def test_a_service_that_cannot_be_reached_is_undefined_not_an_exception(home: Path) -> None:
    measured = verified("http://127.0.0.1:9", home, put_model(home, seed=1), ROWS)
    assert all(one.value is None and "is the service running?" in one.reason for one in measured.values())


def test_rows_that_the_guard_leaves_without_a_prediction_are_not_asked_for(tmp_path: Path) -> None:
    guard = InputGuard(out_of_range="abstain", unseen_level="reject", ranges={"distance": (0.0, 3000.0)})
    digest = put_model(tmp_path, guard=guard)
    kept = [row for row in ROWS if row["carrier"] != "ZZ" and float(str(row["distance"])) <= 3000]
    assert 0 < len(kept) < len(ROWS)
    assert scored_rows(read_bundle(FileArtefacts(tmp_path), digest), ROWS) == kept


class _Agreeable(http.server.BaseHTTPRequestHandler):
    """Answers everything with half a score."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_GET(self) -> None:
        body = b'{"status": "ok", "predictions": [0.5]}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


def test_a_service_that_answers_anything_is_found_out(home: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Agreeable)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        measured = verified(f"http://127.0.0.1:{server.server_port}", home, put_model(home, seed=1), ROWS)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert measured["service_refuses_bad_input"].value == 0.0
    assert measured["service_serves_candidate"].value == 0.0
    assert "60 rows got 1 scores" in measured["service_scores_equal"].reason


def test_an_ephemeral_service_logs_no_traffic_into_the_home(url: str, home: Path) -> None:
    verified(url, home, put_model(home, seed=1), ROWS[:1])
    assert not (home / "traffic").exists()


def test_a_service_that_does_not_come_up_says_why(home: Path) -> None:
    with (
        pytest.raises(DataInvalid, match="the model 'nothing' isn't known"),
        ephemeral_service(home, "nothing", "staging"),
    ):
        pass
