"""Many connections at once: the held ones leave the service to others, and what is too much is said."""

from __future__ import annotations

import contextlib
import json
import resource
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.core.errors import Unavailable
from ml_platform.serving.connections import FEWEST_FILES, MOST_CONNECTIONS, OTHER_FILES, most_connections
from ml_platform_tests.drills.load import reply
from ml_platform_tests.drills.trouble import children_of
from ml_platform_tests.serving.asking import Server, serving, wait_until
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores, make_rows
from ml_platform_tests.serving.test_bad_clients import all_of, head, status_of

ROWS = make_rows(20)
SCORES = expected_scores(ROWS)
BODIES = [json.dumps({"dataframe_records": [row]}).encode() for row in ROWS]
# What an idle connection, or one with a part of a small request, may take of a process's memory.
MOST_BYTES_EACH = 32 << 10
SET = """
import sys, resource
from ml_platform.serving import body, connections
{}
from ml_platform.serving.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
PATIENT = SET.format("connections.HEAD_SECONDS = body.BODY_SECONDS = 600")
HURRIED = SET.format("connections.HEAD_SECONDS = body.BODY_SECONDS = 1; connections.SWEEP_SECONDS = 0.2")
UNREAD = SET.format("""
import socket
from ml_platform.serving import run
connections.UNREAD_SECONDS, connections.SWEEP_SECONDS, listen = 0.6, 0.2, run._listen
def listen_with_little_room(host, port):
    listener = listen(host, port)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
    return listener
run._listen = listen_with_little_room
""")


@pytest.fixture(autouse=True)
def _files() -> Iterator[None]:
    """Let this process, which is the client, open as many files as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def connected(port: int, number: int) -> socket.socket:
    """Connect from one of several addresses."""
    return socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(f"127.0.0.{2 + number % 8}", 0))


@contextlib.contextmanager
def connections(server: Server, count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connected(server.port, number)) for number in range(count)]


def resident_bytes(server: Server) -> int:
    """Return how much memory the processes of a service have."""
    every = [server.process.pid, *children_of(server.process.pid)]
    kilobytes = [line.split()[1] for pid in every for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                 if line.startswith("VmRSS")]  # fmt: skip
    return 1024 * sum(map(int, kilobytes))


def answers_right(server: Server) -> bool:
    return [server.ask("POST", "/invocations", body).json["predictions"][0] for body in BODIES] == SCORES


def taken(server: Server) -> int:
    """Return how many connections the processes of a service have open."""
    every = [server.process.pid, *children_of(server.process.pid)]
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in every)


@pytest.mark.drill
@pytest.mark.parametrize("workers", [1, 2])
def test_while_many_connections_are_held_the_service_answers_others_and_those_that_go_on(
    home: Path, workers: int, drill_count: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    count = drill_count(300, 10_000)
    with serving(home, "--workers", str(workers), program=PATIENT) as server:
        assert answers_right(server)
        before, started = resident_bytes(server), time.monotonic()
        with connections(server, count) as held:
            asked = [head(len(BODIES[number % len(BODIES)])) + BODIES[number % len(BODIES)] for number in range(count)]
            for number, client in enumerate(held):
                client.sendall(asked[number][: begun(number, asked[number])])
            wait_until(lambda: taken(server) >= count, 120)
            opened = time.monotonic() - started
            started = time.monotonic()
            assert answers_right(server)
            assert server.ask("GET", "/health").json["status"] == "ok"
            asking = (time.monotonic() - started) / (len(BODIES) + 1)
            grown = resident_bytes(server) - before
            for number, client in enumerate(held):
                client.sendall(asked[number][begun(number, asked[number]) :])
            said = [reply(client) for client in held]
        assert {status for status, _ in said} == {b"200"}
        scores = [json.loads(answer)["predictions"][0] for _, answer in said]
        assert scores == [SCORES[number % len(BODIES)] for number in range(count)]
        assert grown < count * MOST_BYTES_EACH + (16 << 20)
        code, everything = server.end()
    assert (code, "Traceback" in everything) == (0, False), everything
    figures = (
        f"{count:,} connections on {workers} process(es) in {opened:.1f} s: {grown / 1e6:.0f} MB more, "
        f"{grown / count / 1024:.1f} KB each; another request took {1000 * asking:.1f} ms"
    )
    record_property("figures", figures)
    sys.stdout.write(f"{figures}\n")


def begun(number: int, asked: bytes) -> int:
    """Return how much a client sends at first: nothing, a part of the head, or a part of the body."""
    return (0, 20, len(asked) - 9)[number % 3]


def test_connections_that_owe_a_request_for_long_are_closed_with_a_word_to_those_that_began(
    home: Path, drill_count: Callable[[int, int], int]
) -> None:
    with serving(home, program=HURRIED) as server, connections(server, drill_count(200, 10_000)) as idle:
        for number, client in enumerate(idle):
            with contextlib.suppress(ConnectionError):  # it is closed while others are still being opened
                client.sendall(head()[: number % 40])
        assert answers_right(server)
        for client in idle:
            said = all_of(client)
            assert not said or status_of(said) == 408


@pytest.mark.drill
@pytest.mark.parametrize("workers", [1, 2])
def test_more_connections_than_files_are_refused_and_the_others_served(
    home: Path, workers: int, drill_count: Callable[[int, int], int]
) -> None:
    files, count = drill_count(FEWEST_FILES, 2_000), drill_count(400, 10_000)
    few = SET.format(f"connections.HEAD_SECONDS = 600; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))")
    with serving(home, "--workers", str(workers), program=few) as server:
        kept = [server.connect() for _ in range(8)]
        for one in kept:
            one.connect()
        wait_until(lambda: taken(server) >= 8)
        with connections(server, count) as many:
            fewest = count - workers * (files - OTHER_FILES)
            wait_until(lambda: len(told(many)) >= fewest, 60)
            assert {status_of(all_of(client)) for client in told(many)} == {503}
            for one, body, score in zip(kept, BODIES, SCORES, strict=False):
                one.request("POST", "/invocations", body, {"content-type": "application/json"})
                answer = one.getresponse()
                assert (answer.status, json.loads(answer.read())["predictions"]) == (200, [score])
                one.close()
        wait_until(lambda: server.ask("GET", "/health").status == 200)
        code, everything = server.end()
    assert (code, "Traceback" in everything) == (0, False), everything
    assert len(read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions) == len(kept)


def told(clients: Sequence[socket.socket]) -> list[socket.socket]:
    """Return the connections on which the server said something."""
    poll, numbers = select.poll(), {client.fileno(): client for client in clients}
    for number in numbers:
        poll.register(number, select.POLLIN)
    return [numbers[number] for number, _ in poll.poll(0)]


def test_a_client_that_never_reads_a_large_answer_is_given_up(home: Path) -> None:
    body = json.dumps({"dataframe_records": [GOOD_ROW] * 9_000}).encode()
    with serving(home, program=UNREAD) as server:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
            client.settimeout(20)
            client.connect(("127.0.0.1", server.port))
            client.sendall(head(len(body)) + body)
            said = client.recv(1 << 10)
            before = taken(server)
            wait_until(lambda: taken(server) < before)
            said += all_of(client)
        announced = int(said.partition(b"content-length: ")[2].split(b"\r\n")[0])
        assert (status_of(said), len(said) < announced) == (200, True)
        assert answers_right(server)
        code, everything = server.end()
    assert (code, "Traceback" in everything) == (0, False), everything


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ((1024, 4096), 4096 - OTHER_FILES),
        ((1024, resource.RLIM_INFINITY), MOST_CONNECTIONS),
        ((1 << 20, 1 << 20), MOST_CONNECTIONS),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), MOST_CONNECTIONS),
        ((64, 64), None),
    ],
)
def test_as_many_connections_as_there_are_files_for_and_no_more_than_memory_for(
    limits: tuple[int, int], most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Sequence[int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: raised.append(given))
    if most is None:
        with pytest.raises(Unavailable, match="256 are needed: raise its limit"):
            most_connections()
        return
    assert most_connections() == most
    assert raised == ([(most + OTHER_FILES, limits[1])] if limits[0] == 1024 else [])


def test_a_system_that_refuses_more_files_leaves_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert most_connections() == 1024 - OTHER_FILES
