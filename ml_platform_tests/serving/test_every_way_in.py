"""Whatever comes in, by every way, to several workers that try a canary: a clear answer, and never a wrong score."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_platform_tests.drills.load import reply
from ml_platform_tests.drills.trouble import children_of
from ml_platform_tests.serving.asking import Server, serving, wait_until
from ml_platform_tests.serving.small_model import GOOD_ROW, begin_rollout, expected_scores, make_live, put_model
from ml_platform_tests.serving.test_bad_clients import all_of, status_of
from ml_platform_tests.serving.ways_in import BATCH, EVERY, FEEDBACK, REMARK, SCORING, Spelled, Way, spelled

HURRIED = """
import sys
from ml_platform.serving import batch_records, body, connections
connections.HEAD_SECONDS, connections.SWEEP_SECONDS = 0.6, 0.2
body.BODY_SECONDS = batch_records.BODY_SECONDS = 0.6
from ml_platform.serving.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
DEEP, HUGE = "[" * 100_000, "1" * 5_000
TAKEN = [
    ("wind", "NaN", None), ("wind", "null", None), ("wind", "0.25e1", 2.5), ("distance", "1e-400", 0.0),
    ("hour", "9.0", 9), ("carrier", '"UA\\u0000"', "UA\x00"), ("origin", '"\\u0045WR"', "EWR"),
]  # fmt: skip
REFUSED = [
    *(("wind", text) for text in ("nan", "+NaN", "-NaN", "Infinity", "-Infinity", "1e400", HUGE, '"1e5"', '""')),
    ("distance", "NaN"), ("distance", "1" + "0" * 300), ("distance", "true"), ("hour", "9.5"), ("hour", "1e1000000"),
    ("hour", '9, "hour": 9'), ("carrier", '"\\ud800"'), ("weekend", DEEP), ("weekend", '{"a":' * 100_000),
    ("weekend", "[" * 50 + "]" * 50), ("weekend", "2"),
]  # fmt: skip
REMARKS = [
    ("outcome", text) for text in ("NaN", "nan", "Infinity", "1e400", HUGE, DEEP, '{"a":' * 100_000, "[1]", "null")
] + [("outcome", '1, "outcome": 0'), ("comment", '"\\ud800"'), ("rating", "1e1000000"), ("at", '"NaN"')]
ENCODINGS = ("utf-16", "utf-32", "cp037")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    make_live(home, put_model(home))
    begin_rollout(home, put_model(home, seed=2), weight=0.5)
    with serving(home, "--workers", "2", program=HURRIED) as running:
        wait_until(lambda: {scored(running, way)[0] for way in SCORING for _ in range(4)} == {1, 2})
        yield running
        assert len(children_of(running.process.pid)) == 2
        restarts = running.ask("GET", "/metrics").body.decode().count("restarts_total{worker")
        code, said = running.end()
    assert (code, "Traceback" in said, "started anew" in said, restarts) == (0, False, False, 2), said


@pytest.fixture(autouse=True)
def _still_serves(server: Server) -> Iterator[None]:
    yield
    for way in SCORING:
        scored(server, way)


def good(way: Way) -> Spelled:
    return {name: json.dumps(value) for name, value in REMARK.items()} if way is FEEDBACK else spelled()


def scored(server: Server, way: Way, **changed: str) -> tuple[int, float]:
    """Return the version that answered the good row and its score, which has to be that version's own."""
    answer = way.ask(server, way.body(spelled(**changed)).encode())
    assert answer.status == 200, answer.body
    version, score = way.said(answer.body)
    if not changed:
        assert score == expected_scores([GOOD_ROW], seed=version)[0]
    return version, score


def said_why(way: Way, status: int, body: bytes) -> bool:
    """Say whether a refusal is one in words."""
    said: dict[str, Any] = json.loads(body.splitlines()[0])
    lines = status in {200, 400} if way is BATCH else status in {400, 422}
    return lines and bool(said.get("message") or said.get("error")) and "prediction" not in said


@pytest.mark.parametrize("way", SCORING, ids=lambda way: way.path)
def test_every_spelling_is_scored_as_what_it_means_or_refused_in_words(server: Server, way: Way) -> None:
    for column, text, value in TAKEN:
        version, score = scored(server, way, **{column: text})
        assert score == expected_scores([{**GOOD_ROW, column: value}], seed=version)[0], (column, text)
    for column, text in REFUSED:
        answer = way.ask(server, way.body(spelled(**{column: text})).encode())
        assert said_why(way, answer.status, answer.body), (column, text[:20], answer.body)


def test_every_spelling_of_a_remark_is_refused_in_words(server: Server) -> None:
    for name, text in REMARKS:
        answer = FEEDBACK.ask(server, FEEDBACK.body({**good(FEEDBACK), name: text}).encode())
        assert said_why(FEEDBACK, answer.status, answer.body), (name, text[:20], answer.body)


@pytest.mark.parametrize("way", EVERY, ids=lambda way: way.path)
def test_another_encoding_and_what_is_no_text_are_refused_in_words(server: Server, way: Way) -> None:
    text = way.body(good(way))
    bodies = [text.encode(encoding) for encoding in ENCODINGS] + [text.encode() + b"\x00", b"\x00" * 100, b"\xff", b""]
    for body in bodies:
        answer = way.ask(server, body)
        assert said_why(way, answer.status, answer.body), (body[:20], answer.body)


def test_slow_clients_are_told_so_and_half_closed_ones_answered_or_let_go(server: Server) -> None:
    for way in EVERY:
        body = way.body(good(way)).encode()
        slow, ended, cut = (socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(3))
        with slow, ended, cut:
            slow.sendall(way.head(len(body)) + body[:9])
            ended.sendall(way.head(len(body)) + body)
            ended.shutdown(socket.SHUT_WR)
            cut.sendall(way.head(len(body)) + body[:9])
            cut.shutdown(socket.SHUT_WR)
            assert reply(ended)[0] == b"200"
            assert b" 200 " not in all_of(cut)[:20]
            assert status_of(all_of(slow)) == 408


def all_answer(server: Server) -> bool:
    """Say whether every way answers; a score that is given is always its version's own."""
    answers = [(way, way.ask(server, way.body(good(way)).encode())) for way in EVERY for _ in range(2)]
    for way, answer in answers:
        assert answer.status in {200, 503}, answer.body
        if answer.status == 200 and way is not FEEDBACK:
            version, score = way.said(answer.body)
            assert score == expected_scores([GOOD_ROW], seed=version)[0]
    return all(answer.status == 200 for _, answer in answers)


def test_whatever_is_lost_around_it_every_way_answers_right_or_says_that_it_cannot(home: Path) -> None:
    challenger = put_model(home, seed=2)
    begin_rollout(home, challenger, weight=0.5)
    files = [home / "models" / name / "model.txt" for name in (challenger, put_model(home))]
    with serving(home, "--workers", "2") as server:
        wait_until(lambda: {scored(server, SCORING[0])[0] for _ in range(8)} == {1, 2})
        assert all_answer(server)
        for file in files:
            content = file.read_bytes()
            file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        assert all_answer(server)
        (home / "ledger.sqlite").rename(home / "aside")
        wait_until(lambda: server.ask("GET", "/health").json["status"] == "degraded")
        assert all_answer(server)
        workers = children_of(server.process.pid)
        for pid in workers:  # what a full disk does
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        for way in EVERY:
            answer = way.ask(server, way.body({**good(way), **({"outcome": "0"} if way is FEEDBACK else {})}).encode())
            assert (answer.status, answer.headers["retry-after"]) == (503, "1"), answer.body
        for pid in workers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: all_answer(server))
        assert children_of(server.process.pid) == workers
        code, said = server.end()
    assert (code, "Traceback" in said) == (0, False), said
