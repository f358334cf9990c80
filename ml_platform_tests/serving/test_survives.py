"""A service that runs goes on with what it verified, whatever is lost around it, and says so; a fresh one waits."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.access.users import FileUsers
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.serving.losses import Losses
from ml_platform.settings import environment_of_child
from ml_platform_tests.access.people import CHEAP, user
from ml_platform_tests.serving.asking import Reply, Server, command, serving, wait_until
from ml_platform_tests.serving.small_model import (
    GOOD_ROW,
    MODEL,
    expected_scores,
    make_live,
    put_model,
)
from ml_platform_tests.serving.ways_in import EVERY, FEEDBACK, REMARK, spelled

REMARKED = {name: json.dumps(value) for name, value in REMARK.items()}
BODY = json.dumps({"dataframe_records": [GOOD_ROW]}).encode()
DAY = 86_400
SHIFT = Path(__file__).with_name("clock_shift.c")
# Lets root keep to the permissions of files, as everybody else does: PR_CAPBSET_DROP, CAP_DAC_OVERRIDE.
AS_OTHERS = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"


def said(server: Server, words: str) -> bool:
    health = server.ask("GET", "/health")
    return health.json["status"] == "degraded" and words in str(health.json["problems"])


def well(server: Server) -> bool:
    return server.ask("GET", "/health").body.startswith(b'{"status":"ok"')


def score(server: Server) -> Reply:
    reply = server.ask("POST", "/invocations", BODY)
    if reply.status == 200:
        assert reply.json["predictions"] == expected_scores([GOOD_ROW], seed=2 - reply.json["version"] % 2)
    return reply


def test_a_service_goes_on_without_ledger_and_model_files_and_a_fresh_one_answers_503(home: Path) -> None:
    ledger, model = home / "ledger.sqlite", next((home / "models").iterdir()) / "model.txt"
    content = model.read_bytes()
    with serving(home) as server:
        wait_until(lambda: well(server))
        ledger.rename(home / "aside")
        wait_until(lambda: said(server, "there is no ledger"))
        assert score(server).json["version"] == 1
        with serving_beside(home) as fresh:
            assert fresh.ask("GET", "/health").status == 503
            assert fresh.ask("POST", "/invocations", BODY).status == 503
        (home / "aside").rename(ledger)
        wait_until(lambda: well(server))
        model.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        wait_until(lambda: said(server, "is served from memory, but"))
        assert score(server).json["version"] == 1
        model.unlink()
        wait_until(lambda: said(server, "model.txt"))
        assert score(server).json["version"] == 1
        shutil.rmtree(home / "mlflow", ignore_errors=True)
        model.write_bytes(content)
        wait_until(lambda: well(server))
        code, _ = server.end()
    assert code == 0
    assert {one.status for one in read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions} == {200}


@contextlib.contextmanager
def serving_beside(home: Path) -> Iterator[Server]:
    """Run a second service of the same home."""
    port_file = home / "port2"
    with subprocess.Popen(command(home, "--port", "0", "--port-file", str(port_file))) as process:
        try:
            wait_until(port_file.exists, 60)
            yield Server(process, int(port_file.read_text()))  # type: ignore[arg-type]
        finally:
            process.kill()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_a_disk_that_takes_no_more_is_said_and_when_it_does_again_so_is_the_service(home: Path) -> None:
    with serving(home) as server:
        assert score(server).status == 200
        resource.prlimit(
            server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)
        )  # what a full disk does
        refused = score(server)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        health = server.ask("GET", "/health")
        assert (health.status, "writing failed" in health.json["problems"][0]) == (503, True)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: well(server))
        assert score(server).status == 200
        code, everything = server.end()
    assert (code, "Traceback" in everything) == (0, False)
    traffic = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home))
    assert ([one.status for one in traffic.predictions], traffic.torn) == ([200, 200], 0)


def test_a_home_that_may_only_be_read_serves_as_far_as_it_can_and_ends_in_order(home: Path) -> None:
    folder = home / "traffic" / "staging" / MODEL
    port_file = home / "port"
    with subprocess.Popen(
        [sys.executable, "-c", AS_OTHERS, *command(home, "--port", "0", "--port-file", str(port_file))]
    ) as process:
        try:
            wait_until(port_file.exists, 60)
            server = Server(process, int(port_file.read_text()))  # type: ignore[arg-type]
            assert score(server).status == 200
            every = [path for path in (home, *home.rglob("*")) if path.is_dir()]
            for path in every:
                path.chmod(0o555)
            assert score(server).status == 200  # into the file that it has open
            assert server.ask("GET", "/health").status == 200
        finally:
            for path in every:
                path.chmod(0o755)
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert process.returncode == 0
    assert len(read(folder, keys=FileKeys(home)).predictions) == 2


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_a_clock_that_jumps_by_a_day_changes_nothing_but_the_times_in_the_log(home: Path, tmp_path: Path) -> None:
    shift, library = tmp_path / "shift", tmp_path / "clock_shift.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(SHIFT), "-ldl"], check=True, timeout=60)
    changes = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(shift)}
    port_file, ids = home / "port", []
    shift.write_text("0")
    with subprocess.Popen(
        command(home, "--port", "0", "--port-file", str(port_file), "--sync-seconds", "0"),
        env=environment_of_child(home, changes),
    ) as process:
        try:
            wait_until(port_file.exists, 60)
            server = Server(process, int(port_file.read_text()))  # type: ignore[arg-type]
            for number, jump in enumerate((0, DAY, -DAY, 0)):
                shift.write_text(str(jump))
                make_live(home, put_model(home, seed=1 + number % 2), version=1 + number % 2)
                wait_until(lambda: score(server).json["version"] == 1 + number % 2)  # noqa: B023
                ids += score(server).json["prediction_ids"]
                texts = [(way, way.body(REMARKED if way is FEEDBACK else spelled())) for way in EVERY]
                assert {way.ask(server, text.encode()).status for way, text in texts} == {200}
                wait_until(lambda: well(server))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert process.returncode == 0
    found = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions
    times = {one.id: one.at.timestamp() - time.time() for one in found}
    assert len(times) == len(found)
    assert [round(times[each] / DAY) for each in ids] == [0, 1, -1, 0]


def test_who_lost_the_users_is_told_and_a_deployment_that_is_not_followed_too(home: Path) -> None:
    losses = Losses(home)
    first = make_live(home, put_model(home))
    users = FileUsers(home, cost=CHEAP)
    users.add(user("ada", "admin"))
    losses.look([first])
    assert not losses.problems
    users.path.unlink()
    losses.look([first])
    assert "nobody is let in" in losses.problems[0]
    make_live(home, put_model(home, seed=2), version=2)
    losses.look([first])
    assert len(losses.problems) == 1  # it may be shown in a moment
    losses.look([first])
    assert "the ledger says that version 2 of toy is live, but version 1 is served" in str(losses.problems)
