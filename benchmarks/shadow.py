"""What a shadow costs the caller: the service that mirrors every request against the one that mirrors none.

The same live model in the same home, one keep-alive socket each, requests to both in turn. The challenger is
as large as the live version. `pause` is what a caller waits between two requests; without one the shadow's process,
the service and the caller share the machine's cores all the time.

`python benchmarks/shadow.py [--requests 3000] [--pause 0.0]`. Ends with 1 when the ratio of the medians is above the
limit.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, begin_rollout, make_live, put_model

LIMIT = 1.15
WARM_UP = 500


class Keeper:
    """One keep-alive connection."""

    def __init__(self, port: int, body: bytes) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._body = body

    def ask(self) -> None:
        """Send the request and read the answer; raises RuntimeError when it isn't 200."""
        self._connection.request("POST", "/invocations", self._body, {"content-type": "application/json"})
        reply = self._connection.getresponse()
        said = reply.read()
        if reply.status != http.client.OK:
            raise RuntimeError(said.decode())


@contextlib.contextmanager
def process(command: list[str], port_file: Path) -> Iterator[int]:
    """Run a server that writes its port into a file."""
    with subprocess.Popen(command) as child:
        try:
            while not port_file.exists():
                if child.poll() is not None:
                    raise RuntimeError(f"{command[1:3]} ended with {child.returncode}")
                time.sleep(0.02)
            time.sleep(0.5)
            yield int(port_file.read_text())
        finally:
            child.terminate()


def compare(requests: int, pause: float) -> float:
    """Run both services, print what was measured, and return the ratio of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        make_live(home, put_model(home))
        begin_rollout(home, put_model(home, seed=2), strategy="shadow", weight=0.0)
        shadowed, alone = (_command(home, Path(scratch) / name) for name in ("shadowed", "alone"))
        alone[0].append("--live-only")
        with process(*shadowed) as one, process(*alone) as other:
            taken = _measure(one, other, requests, pause)
            counted = _counted(one)
    return _said(*taken, counted)


def _command(home: Path, scratch: Path) -> tuple[list[str], Path]:
    port = scratch.with_suffix(".port")
    command = [
        sys.executable, "-m", "ml_platform.serving", "--model", MODEL, "--env", "staging", "--home", str(home),
        "--port", "0", "--port-file", str(port), "--traffic", str(scratch),
    ]  # fmt: skip
    return command, port


def _measure(one: int, other: int, requests: int, pause: float) -> tuple[list[float], list[float]]:
    body = msgspec.json.encode({"dataframe_records": [GOOD_ROW]})
    keepers = Keeper(one, body), Keeper(other, body)
    taken: tuple[list[float], list[float]] = ([], [])
    for index in range(requests + WARM_UP):
        for keeper, seconds in zip(keepers, taken, strict=True):
            before = time.perf_counter()
            keeper.ask()
            if index >= WARM_UP:
                seconds.append(time.perf_counter() - before)
            time.sleep(pause)
    return sorted(taken[0]), sorted(taken[1])


def _counted(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as got:
        lines = [line for line in got.read().decode().splitlines() if line.startswith("ml_platform_rollout_rows")]
    return {line.partition('what="')[2].partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}


def _said(shadowed: list[float], alone: list[float], counted: dict[str, float]) -> float:
    print(f"one row per request, {len(alone):,} requests each, interleaved; mirrored {json.dumps(counted)}")
    ratio = 1.0
    for label, share in (("p99", 0.99), ("p50", 0.5)):
        mine, theirs = (seconds[int(share * len(seconds))] for seconds in (shadowed, alone))
        ratio = mine / theirs
        print(f"{label}: with a shadow {mine * 1e6:6.0f} us   without {theirs * 1e6:6.0f} us   ratio {ratio:.2f}")
    return ratio


def main() -> int:
    """Compare; returns 1 when the ratio of the medians is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--pause", type=float, default=0.0)
    given = parser.parse_args()
    ratio = compare(given.requests, given.pause)
    print(f"limit of the p50 ratio: {LIMIT}: {'kept' if ratio <= LIMIT else 'BROKEN'}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
