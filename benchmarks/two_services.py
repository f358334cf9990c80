"""Two services: the scoring service in two forms, one keep-alive socket each, asked in turn for one usual row."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL

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


def command(home: Path, *more: str, beside: Path) -> tuple[list[str], Path]:
    """Return the command that serves a home, and the file beside a path that it writes its port into."""
    port = beside.with_suffix(".port")
    words = [
        sys.executable, "-m", "ml_platform.serving", "--model", MODEL, "--env", "staging", "--home", str(home),
        "--port", "0", "--port-file", str(port), *more,
    ]  # fmt: skip
    return words, port


def measure(ports: Sequence[int], requests: int, pause: float) -> list[list[float]]:
    """Return the seconds of each service's requests, in order of size; `pause` is waited between two of them."""
    body = msgspec.json.encode({"dataframe_records": [GOOD_ROW]})
    keepers = [Keeper(port, body) for port in ports]
    taken: list[list[float]] = [[] for _ in ports]
    for index in range(requests + WARM_UP):
        for keeper, seconds in zip(keepers, taken, strict=True):
            before = time.perf_counter()
            keeper.ask()
            if index >= WARM_UP:
                seconds.append(time.perf_counter() - before)
            time.sleep(pause)
    return [sorted(seconds) for seconds in taken]


def counted(port: int, metric: str) -> dict[str, float]:
    """Return what a service's metric counts, by its label `what`."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as got:
        lines = [line for line in got.read().decode().splitlines() if line.startswith(metric)]
    return {line.partition('what="')[2].partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}


def told(what: str, taken: Sequence[list[float]], counts: dict[str, float]) -> float:
    """Print how the first service compares with the second, and return the ratio of the medians."""
    seen = ", ".join(f"{name} {count:,.0f}" for name, count in counts.items())
    print(f"one row per request, {len(taken[0]):,} requests each, interleaved; counted: {seen}")
    ratio = 1.0
    for label, share in (("p99", 0.99), ("p50", 0.5)):
        mine, theirs = (seconds[int(share * len(seconds))] for seconds in taken)
        ratio = mine / theirs
        print(f"{label}: with {what} {mine * 1e6:6.0f} us   without {theirs * 1e6:6.0f} us   ratio {ratio:.2f}")
    return ratio


def main(doc: str | None, compare: Callable[[int, float], float], limit: float) -> int:
    """Compare as the command line says; returns 1 when the ratio of the medians is above the limit."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--pause", type=float, default=0.0)
    given = parser.parse_args()
    ratio = compare(given.requests, given.pause)
    print(f"limit of the p50 ratio: {limit}: {'kept' if ratio <= limit else 'BROKEN'}")
    return 0 if ratio <= limit else 1
