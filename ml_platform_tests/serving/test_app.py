"""The application answers every request: with scores, or with a reason; never with a broken service."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.serving.body import MAXIMUM_BODY_BYTES
from ml_platform_tests.serving.asking import JSON, Asker, asking
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores, make_live, make_rows, put_model

FAILING = "def transform(columns, state):\n    assert columns['hour'][0] != 13, 'Q7Q7'\n    return {**columns, %s}\n"
ADDED = "'hour_sin': columns['hour'], 'hour_cos': columns['hour'], 'long': columns['hour']"


def test_rows_are_answered_with_scores_and_who_gave_them(shared: Asker) -> None:
    rows = make_rows(20)
    reply = shared.score_rows(rows)
    live = shared.app.follower.live
    assert live is not None
    assert reply.status == 200
    assert reply.json["predictions"] == expected_scores(rows)
    assert len(set(reply.json["prediction_ids"])) == 20
    assert (reply.json["model"], reply.json["version"]) == (MODEL, 1)
    assert reply.json["model_digest"] == live.manifest.model_digest


def test_a_body_that_comes_in_parts_is_put_together(shared: Asker) -> None:
    body = json.dumps({"inputs": [GOOD_ROW]}).encode()
    reply = shared.ask("POST", "/invocations", [body[:7], body[7:30], body[30:]])
    assert reply.json["predictions"] == expected_scores([GOOD_ROW])


def test_a_large_request_is_answered_like_a_small_one(shared: Asker) -> None:
    rows = make_rows(1500)
    assert shared.score_rows(rows).json["predictions"] == expected_scores(rows)


def test_what_was_answered_is_in_the_log_without_the_columns_that_name_a_person(home: Path) -> None:
    row = {**GOOD_ROW, "carrier": "ZZ", "account": 98765.25, "departs": "2013-07-01T00:00:00Z"}
    with asking(home) as asker:
        reply = asker.score_rows([row])
        asker.score_rows([{**row, "hour": 98765}])
    folder = home / "traffic" / "staging" / MODEL
    served, refused = read(folder, keys=FileKeys(home)).predictions
    assert served.id == reply.json["prediction_ids"][0]
    assert served.score == reply.json["predictions"][0]
    assert (served.status, served.version, served.unseen) == (200, 1, ("carrier",))
    assert served.event_time.isoformat() == "2013-07-01T00:00:00+00:00"
    assert served.inputs == {name: row[name] for name in GOOD_ROW if name != "account"}
    assert (refused.status, refused.score, refused.inputs) == (422, None, {})
    assert not any(b"98765" in file.read_bytes() for file in folder.iterdir())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/invocations", 405), ("POST", "/health", 405), ("POST", "/health/", 404)],
)
def test_unknown_paths_and_methods_are_said(shared: Asker, method: str, path: str, status: int) -> None:
    reply = shared.ask(method, path)
    assert reply.status == status
    assert "known paths" in reply.json["message"] or "takes" in reply.json["message"]


def test_a_method_not_allowed_names_those_that_are(shared: Asker) -> None:
    assert shared.ask("PUT", "/invocations").headers["allow"] == "POST"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-type", b"text/xml")],
        [(b"content-type", b"text/csv; charset=latin-1")],
        [*JSON, (b"content-encoding", b"gzip")],
    ],
    ids=["xml", "latin-1", "gzip"],
)
def test_another_content_type_is_refused(shared: Asker, headers: list[tuple[bytes, bytes]]) -> None:
    assert shared.ask("POST", "/invocations", [b"{}"], headers).status == 415


def test_a_body_of_more_than_ten_megabytes_is_refused_whether_announced_or_not(shared: Asker) -> None:
    large = [bytes(MAXIMUM_BODY_BYTES), b"x"]
    announced = [*JSON, (b"content-length", str(MAXIMUM_BODY_BYTES + 1).encode())]
    for headers in (JSON, announced):
        reply = shared.ask("POST", "/invocations", large, headers)
        assert (reply.status, reply.headers["connection"]) == (413, "close")


def test_ten_megabytes_of_anything_are_refused_in_words(shared: Asker) -> None:
    for filling in (b"[", b"0", b'"', b"{},", b" "):
        count = MAXIMUM_BODY_BYTES // len(filling) - 20
        reply = shared.ask("POST", "/invocations", [b'{"inputs":[' + filling * count])
        assert reply.status == 400


def test_a_sender_that_goes_away_is_no_failure_of_the_service(shared: Asker) -> None:
    gone = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    shared.runner.run(shared.app(gone, receive, send))
    assert sent[0]["status"] == 499


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["NaN", "Infinity", "", "9", "2013-02-30", "UA", 1e308, 10**309, -0.0])
    | st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
)  # fmt: skip
ROWS = st.fixed_dictionaries({}, optional=dict.fromkeys([*GOOD_ROW, "departs", "x"], VALUES))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS | st.builds(lambda row: {**GOOD_ROW, **row}, ROWS), min_size=1, max_size=3))
def test_no_row_whatever_breaks_the_service(shared: Asker, rows: list[dict[str, object]]) -> None:
    for body in ({"dataframe_records": rows}, {"inputs": rows}):
        reply = shared.score(body)
        assert reply.status in {200, 400, 422}
        if reply.status == 200:
            assert all(0.0 <= score <= 1.0 for score in reply.json["predictions"])
        else:
            assert reply.json["message"]


def test_without_a_live_version_the_service_says_what_to_do(tmp_path: Path) -> None:
    with asking(tmp_path) as asker:
        for reply in (asker.score_rows([GOOD_ROW]), asker.ask("GET", "/version")):
            assert reply.status == 503
            assert f"ml-platform promote {MODEL}" in reply.json["message"]
        health = asker.ask("GET", "/health")
        assert (health.status, health.json["status"]) == (503, "unavailable")
        assert "promote" in health.json["problems"][0]
        assert "promote" in asker.ask("GET", "/docs").body.decode()
        assert asker.ask("GET", "/metrics").status == 200


def test_health_and_version_say_what_is_live(shared: Asker) -> None:
    health, version = shared.ask("GET", "/health").json, shared.ask("GET", "/version").json
    assert (health["status"], health["version"], health["problems"]) == ("ok", 1, [])
    assert version["model_digest"] == health["model_digest"]
    assert health["since"] == "2013-06-01T00:00:00Z"


def test_features_that_fail_are_said_without_the_value_they_failed_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_live(tmp_path, put_model(tmp_path, source=FAILING % ADDED))
    with asking(tmp_path) as asker, caplog.at_level(logging.ERROR):
        assert asker.score_rows([GOOD_ROW]).status == 200
        reply = asker.score_rows([{**GOOD_ROW, "hour": 13}])
    assert reply.status == 500
    assert "Q7Q7" not in reply.body.decode() + caplog.text
    assert re.search(r"AssertionError at .*features\.py:2", caplog.text)
    assert [
        one.status for one in read(tmp_path / "traffic" / "staging" / MODEL, keys=FileKeys(tmp_path)).predictions
    ] == [200, 500]


def test_what_cannot_be_logged_is_not_answered(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with asking(home) as asker:
        assert asker.score_rows([GOOD_ROW]).status == 200
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            reply = asker.score_rows([GOOD_ROW])
            assert (reply.status, "predictions" in reply.json) == (503, False)
            health = asker.ask("GET", "/health")
            assert health.status == 503
            assert "No space left" in health.json["problems"][0]
            asker.app.traffic.probe()
            assert asker.app.traffic.problem
        asker.app.traffic.probe()
        assert asker.ask("GET", "/health").status == 200
        assert asker.score_rows([GOOD_ROW]).status == 200
    traffic = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home))
    assert ([one.status for one in traffic.predictions], traffic.torn) == ([200, 200], 0)


def test_metrics_count_what_was_answered(home: Path) -> None:
    with asking(home) as asker:
        asker.score_rows([{**GOOD_ROW, "carrier": "ZZ"}] * 3)
        asker.score_rows([{}])
        text = asker.ask("GET", "/metrics").body.decode()
    for line in (
        'ml_platform_requests_total{path="/invocations",status="200"} 1',
        'ml_platform_requests_total{path="/invocations",status="422"} 1',
        'ml_platform_predictions_total{model="toy",version="1"} 3',
        'ml_platform_unseen_levels_total{model="toy",column="carrier"} 3',
        "ml_platform_request_seconds_count 2",
        'ml_platform_problem{model="toy"} 0',
    ):
        assert line in text.splitlines()
    assert 'ml_platform_live_info{model="toy",environment="staging",version="1"' in text
