"""Bad requests to the real service over HTTP: each is answered in words, and good ones are answered throughout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ml_platform_tests.serving.asking import Server, serving
from ml_platform_tests.serving.small_model import GOOD_ROW, expected_scores, make_live, put_model

MILLION = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("service")
    make_live(home, put_model(home))
    with serving(home) as found:
        yield found


@dataclass(frozen=True)
class Bad:
    """A body, and the answer to it."""

    status: int
    words: str
    body: bytes


def row(**changes: object) -> bytes:
    return json.dumps({"inputs": [{**GOOD_ROW, **changes}]}).encode()


BAD = {
    "NaN in a number": Bad(422, "column 'distance': it is null", row(distance=float("nan"))),
    "infinity in a number": Bad(400, "the body isn't JSON that can be used", row(distance=float("inf"))),
    "a number beyond all floats": Bad(400, "Number out of range", row(distance=733).replace(b"733", b"1e999")),
    "a text in a number": Bad(422, "column 'distance': ", row(distance="far")),
    "a number out of range": Bad(422, "column 'hour': ", row(hour=24)),
    "a fraction in a whole number": Bad(422, "column 'hour': ", row(hour=9.5)),
    "a list in a number": Bad(422, "column 'distance': ", row(distance=[1])),
    "a missing value that must be there": Bad(422, "column 'hour': ", row(hour=None)),
    "a column nobody knows": Bad(422, "column 'speed': ", row(speed=1)),
    "a text of a million characters": Bad(422, "column 'carrier': ", row(carrier="x" * MILLION)),
    "a name of a million characters": Bad(
        422, "…': it isn't in the contract, which has hour", row(**{"x" * MILLION: 1})
    ),
    "half a body": Bad(400, "the body isn't JSON that can be used", row()[:20]),
    "no JSON": Bad(400, "the body isn't JSON that can be used", b"weight=3"),
    "nothing": Bad(400, "the body isn't JSON that can be used", b""),
    "another encoding": Bad(400, "the body isn't", b'{"inputs": [{"carrier": "\xff"}]}'),
    "a nested hell": Bad(400, "", b"[" * 100_000),
    "no row": Bad(400, "holds no row", b'{"inputs": []}'),
    "too many rows": Bad(413, "at most 10,000", b'{"inputs": [' + b",".join([b"{}"] * 10_001) + b"]}"),
    "ten megabytes": Bad(413, "the body is larger than 10 MB", b'{"inputs": "' + b"x" * (10 << 20) + b'"}'),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_answered_in_words_and_a_good_one_after_it(server: Server, name: str) -> None:
    bad = BAD[name]
    reply = server.ask("POST", "/invocations", bad.body)
    assert reply.status == bad.status, reply.body[:500]
    assert bad.words in reply.body.decode()
    assert len(reply.body) < 5_000
    good = server.ask("POST", "/invocations", row())
    assert good.json["predictions"] == expected_scores([GOOD_ROW])


def test_a_level_that_training_never_saw_is_scored_as_missing(server: Server) -> None:
    unseen = {**GOOD_ROW, "carrier": "ZZ"}
    reply = server.ask("POST", "/invocations", json.dumps({"inputs": [unseen]}).encode())
    assert reply.status == 200
    assert reply.json["predictions"] == expected_scores([unseen])


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/invocations", 405), ("POST", "/other", 404)])
def test_a_way_that_is_none_is_answered_with_those_that_are(
    server: Server, method: str, path: str, status: int
) -> None:
    reply = server.ask(method, path)
    assert reply.status == status
    assert "/invocations" in reply.body.decode()


def test_nothing_of_it_ends_up_in_the_services_log(server: Server) -> None:
    assert server.ask("GET", "/health").json["status"] == "ok"
    server.process.terminate()
    _, said = server.ended()
    assert server.process.returncode == 0
    assert "Traceback" not in said
    assert "xxx" not in said
