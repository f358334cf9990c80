"""The service as a process: its arguments, its end, and what survives a sudden one."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform_tests.serving.asking import Server, command, send, serving, wait_until
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores, make_live, make_rows, put_model

BODY = json.dumps({"dataframe_records": [GOOD_ROW]}).encode()


def refused(home: Path, *arguments: str, model: str = MODEL, environment: str = "staging") -> str:
    started = command(home, "--port", "0", *arguments, model=model, environment=environment)
    done = subprocess.run(started, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_an_unknown_environment_ends_with_exit_code_2(home: Path) -> None:
    assert "'prod' isn't known; known: staging, production. Did you mean" in refused(home, environment="prod")


def test_an_unknown_model_ends_with_exit_code_2(home: Path) -> None:
    assert "the model 'toys' isn't known" in refused(home, model="toys")


def test_an_address_that_is_taken_ends_with_exit_code_2(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "choose another --port" in refused(home, "--port", port)


@pytest.mark.parametrize("port", ["x", "70000", "-1"])
def test_a_port_that_is_none_ends_with_exit_code_2(home: Path, port: str) -> None:
    assert refused(home, f"--port={port}")


def test_sigterm_ends_the_service_after_the_request_in_flight(home: Path) -> None:
    with serving(home) as server, contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as sender:
        head = f"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n\r\n".encode()
        sender.sendall(head + BODY[:20])
        wait_until(lambda: server.ask("GET", "/health").status == 200)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not accepts(server))
        sender.sendall(BODY[20:])
        answered = sender.recv(65536)
        assert b" 200 " in answered.splitlines()[0]
        _, said = server.ended()
        assert (server.process.returncode, "Traceback" in said) == (0, False)
    assert len(read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions) == 1


def accepts(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
    except OSError:
        return False
    return True


def test_what_was_answered_is_in_the_log_after_kill_9(home: Path) -> None:
    with serving(home) as server:
        answered: list[str] = []

        def ask() -> None:
            with (
                contextlib.suppress(OSError, http.client.HTTPException),
                contextlib.closing(server.connect()) as connection,
            ):
                while True:
                    answered.extend(send(connection, "POST", "/invocations", BODY).json["prediction_ids"])

        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: len(answered) > 100)
        os.kill(server.process.pid, signal.SIGKILL)
        thread.join()
    traffic = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home))
    assert set(answered) <= {one.id for one in traffic.predictions}
    assert traffic.torn == 0


def test_versions_swap_under_load_without_a_dropped_or_mixed_up_request(home: Path) -> None:
    rows = make_rows(5)
    bodies = [json.dumps({"inputs": [row]}).encode() for row in rows]
    own = {seed: expected_scores(rows, seed=seed) for seed in (1, 2)}
    digests = {seed: put_model(home, seed=seed) for seed in (1, 2)}
    wrong: list[object] = []
    versions: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        with contextlib.closing(server.connect()) as connection:
            for index in range(10**9):
                if stop.is_set():
                    return
                reply = send(connection, "POST", "/invocations", bodies[index % 5])
                seed = 2 - reply.json["version"] % 2
                versions.append(reply.json["version"])
                if reply.status != 200 or reply.json["predictions"] != [own[seed][index % 5]]:
                    wrong.append(reply)

    with serving(home) as server:
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for version in range(2, 6):
            make_live(home, digests[2 - version % 2], version=version)
            wait_until(lambda: versions[-1:] == [version])  # noqa: B023
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        code, _ = server.end()
    assert code == 0
    traffic = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home))
    assert (len(traffic.predictions), traffic.torn) == (len(versions), 0)


def test_a_service_bound_to_its_parent_ends_with_it(home: Path) -> None:
    port_file = home / "port"
    started = command(home, "--port", "0", "--port-file", str(port_file), "--with-parent")
    parent = subprocess.Popen(["/bin/sh", "-c", '"$@" & echo $!; wait', "sh", *started], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_until(port_file.exists)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text())
