"""Whatever a client sends, and however slowly: a clear answer, and the service goes on."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest

from ml_platform_tests.serving.asking import Server, serving
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores, make_live, put_model

BODY = json.dumps({"dataframe_records": [GOOD_ROW]}).encode()
MANY = b'{"dataframe_records": [' + b"{}," * 10_000 + b"{}]}"
HURRIED = """
import sys
from ml_platform.serving import body, connections
connections.HEAD_SECONDS, connections.SWEEP_SECONDS, body.BODY_SECONDS = 0.6, 0.2, 0.6
from ml_platform.serving.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def head(length: int = len(BODY), *more: str, path: str = "/invocations") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", "content-type: application/json", f"content-length: {length}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server that loses its patience sooner."""
    home = tmp_path_factory.mktemp("home")
    make_live(home, put_model(home))
    with serving(home, program=HURRIED) as running:
        yield running
        code, said = running.end()
    assert (code, "Traceback" in said) == (0, False), said


@pytest.fixture(autouse=True)
def _still_serves(server: Server) -> Iterator[None]:
    yield
    assert server.ask("POST", "/invocations", BODY).json["predictions"] == expected_scores([GOOD_ROW])


@contextlib.contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        yield client


def all_of(client: socket.socket) -> bytes:
    """Read until the server closes."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            said += part
    return said


def status_of(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


def message_of(said: bytes) -> str:
    return str(json.loads(said.partition(b"\r\n\r\n")[2])["message"])


def row(**changed: str) -> bytes:
    """Return a request of the good row with some values spelled in JSON's own text."""
    spelled = {name: json.dumps(value) for name, value in GOOD_ROW.items()} | changed
    return b'{"dataframe_records": [{' + ", ".join(f'"{n}": {v}' for n, v in spelled.items()).encode() + b"}]}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (row(), 200),
        (row(wind="NaN"), 200),  # missing, as pandas spells it
        (row(wind="null"), 200),
        (row(distance="NaN"), 422),
        *((row(wind=spelled), 400) for spelled in ("nan", "NAN", "+NaN", "-NaN", "Infinity", "-Infinity", "1e400")),
        *((row(wind=f'"{spelled}"'), 422) for spelled in ("NaN", "nan", "Infinity", "1e5", "")),
        (row(distance="1" * 5_000), 400),
        (row(distance="1" + "0" * 300), 422),
        (row(distance="1e-400"), 200),
        (row(hour="9.0"), 200),
        (row(hour="9.5"), 422),
        (row(hour="1e1000000"), 400),
        (row(hour='9, "hour": 9'), 400),
        (row(carrier='"UA\\u0000"'), 200),
        (row(carrier='"\\ud800"'), 400),
        (row(origin='"\\u0045WR"'), 200),
        (row(weekend="[" * 50 + "]" * 50), 422),
        (row(weekend="[" * 100_000), 400),
        (row(weekend='{"a":' * 100_000), 400),
        (b'{"dataframe_records": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (row().decode().encode("utf-16"), 400),
        (row().decode().encode("utf-32"), 400),
        (row(carrier='"Zürich"').decode().encode("latin-1"), 400),
        (b"\xef\xbb\xbf" + row(), 400),
        (row() + b"\x00", 400),
        (row() + row(), 400),
        (b"", 400),
        (b"\x00" * 100, 400),
    ],
)  # fmt: skip
def test_every_spelling_gets_the_one_answer_that_it_can_have(server: Server, body: bytes, status: int) -> None:
    reply = server.ask("POST", "/invocations", body)
    assert reply.status == status, reply.body
    if status == 200:
        assert 0.0 < reply.json["predictions"][0] < 1.0
    else:
        assert reply.json["message"]


def chunked(*chunks: bytes) -> bytes:
    start = head().replace(f"content-length: {len(BODY)}".encode(), b"transfer-encoding: chunked")
    return start + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def test_a_chunked_body_is_one_body(server: Server) -> None:
    with connected(server) as client:
        client.sendall(chunked(*(BODY[at : at + 9] for at in range(0, len(BODY), 9))))
        assert status_of(client.recv(65536)) == 200


@pytest.mark.parametrize(
    "said",
    [
        b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET /health HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\ncontent-length: x\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        chunked(BODY).replace(b"\r\n\r\n", b"\r\n\r\nzz", 1),
        head(5).replace(b"content-length: 5", b"content-length: 5\r\ntransfer-encoding: chunked"),
        head(5).replace(b"content-length: 5", b"content-length: 5\r\ncontent-length: 6"),
    ],
)  # fmt: skip
def test_what_is_no_http_is_refused_and_the_connection_ends(server: Server, said: bytes) -> None:
    with connected(server) as client:
        client.sendall(said)
        answer = all_of(client)
    assert status_of(answer) == 400
    assert message_of(answer)


def test_a_client_that_ends_its_side_after_the_request_is_answered(server: Server) -> None:
    rows = json.dumps({"dataframe_records": [GOOD_ROW] * 1500}).encode()
    for body in (BODY, rows):  # the second is scored beside the others, long after its client's end was seen
        with connected(server) as client:
            client.sendall(head(len(body)) + body)
            client.shutdown(socket.SHUT_WR)
            assert status_of(all_of(client)) == 200


def test_a_client_that_ends_its_side_within_the_request_is_let_go(server: Server) -> None:
    for said in (head(), head() + BODY[:9], head()[:20], b""):
        with connected(server) as client:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            assert b" 200 " not in all_of(client)[:20]


@pytest.mark.parametrize(
    "said", [head()[:20], head()[:-2], head(), head() + BODY[:9]], ids=["line", "head", "body", "part"]
)
def test_a_client_that_stops_is_told_so(server: Server, said: bytes) -> None:
    with connected(server) as client:
        client.sendall(said)
        answer = all_of(client)
    assert (status_of(answer), "arrive within" in message_of(answer)) == (408, True)


@pytest.mark.parametrize("rest", [b"GET /health HTTP/1.1\r\nx: ", b""], ids=["head", "body"])
def test_a_client_that_drips_is_told_so(server: Server, rest: bytes) -> None:
    answer = b""
    dripped = (head() + b" " * len(BODY))[len(rest) :] if not rest else b"x" * 2_000
    with connected(server) as client:
        client.sendall(rest or head())
        started = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for at in range(len(dripped)):
                client.sendall(dripped[at : at + 1])
                client.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    answer = client.recv(65536)
                    break
                assert time.monotonic() - started < 20
        assert status_of(answer) == 408


def test_a_head_without_end_is_refused(server: Server) -> None:
    with connected(server) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(b"GET /health HTTP/1.1\r\n")
            for _ in range(200):
                client.sendall(b"x-padding: " + b"x" * 1000 + b"\r\n")
        answer = all_of(client)
    assert not answer or status_of(answer) == 431  # the answer is lost when the client was still sending


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    rows = [{**GOOD_ROW, "hour": hour} for hour in range(10)]
    bodies = [json.dumps({"dataframe_records": [one]}).encode() for one in rows]
    with connected(server) as client:
        client.sendall(b"".join(head(len(body)) + body for body in bodies))
        client.shutdown(socket.SHUT_WR)
        said = all_of(client)
    answers = [json.loads(part.partition(b"\r\n\r\n")[2]) for part in said.split(b"HTTP/1.1 ")[1:]]
    assert [one["predictions"][0] for one in answers] == expected_scores(rows)


def answered(client: socket.socket, *parts: bytes) -> tuple[list[tuple[str, str]], dict[str, object]]:
    """Send a request in parts; return the answer's status and head without the date, and its body without the ids."""
    for part in parts:
        client.sendall(part)
        time.sleep(0.05)
    answer = http.client.HTTPResponse(client)
    answer.begin()
    body = answer.read()
    said = {name: value for name, value in json.loads(body).items() if name not in {"prediction_ids", "id"}}
    return [("status", str(answer.status)), *(each for each in answer.getheaders() if each[0] != "date")], said


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (head() + BODY, 200),
        (head(2) + b"{}", 400),
        (head(len(row(hour="99"))) + row(hour="99"), 422),
        (head().replace(b"application/json", b"text/plain") + BODY, 415),
        (head(len(BODY), "content-encoding: gzip") + BODY, 415),
        (head(len(BODY), "connection: close") + BODY, 200),
        (head(len(BODY), "upgrade: websocket", "connection: upgrade") + BODY, 400),
        ((head() + BODY).replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
        (head(path=f"/models/{MODEL}/invocations") + BODY, 200),
        (head(2, path=f"/v2/models/{MODEL}/infer") + b"{}", 400),
        (head(len(MANY)) + MANY, 413),
        (head().replace(b"POST", b"PUT") + BODY, 405),
    ],
)
def test_a_request_that_comes_in_one_piece_is_answered_as_one_in_two(server: Server, sent: bytes, status: int) -> None:
    body = sent.index(b"\r\n\r\n") + 4
    with connected(server) as whole, connected(server) as parted:
        first, second = answered(whole, sent), answered(parted, sent[:body], sent[body : body + 1], sent[body + 1 :])
    assert first == second
    assert first[0][0] == ("status", str(status))


def test_requests_of_both_kinds_take_turns_on_a_connection(server: Server) -> None:
    with connected(server) as client:
        late = [head(), *(BODY[at : at + 40] for at in range(0, len(BODY), 40))]  # until it goes uvicorn's way
        found = [answered(client, *parts)[1] for parts in [(head() + BODY,), (head(), BODY), late] * 2]
    assert found == [found[0]] * 6


def test_a_client_that_answers_are_too_slow_for_is_not_waited_for(server: Server) -> None:
    for _ in range(20):
        with connected(server) as client:
            client.sendall(head() + BODY)  # and never reads
