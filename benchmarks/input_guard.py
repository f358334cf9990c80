"""What the input guard costs the caller: a service that looks at every row against one whose model has no guard.

The same trees in two homes, one keep-alive socket each, requests to both in turn, of one usual row. The guard holds
every number against the training rows' range, and every row, once it is answered, against their histograms.

`python benchmarks/input_guard.py [--requests 3000] [--pause 0.0]`. Ends with 1 when the ratio of the medians is above
the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import msgspec
import numpy as np
from shadow import Keeper, process

from ml_platform.core.input_guard import InputGuard
from ml_platform.learners.histograms import fit_detector
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    MODEL,
    make_live,
    make_rows,
    matrix_of,
    put_model,
)

LIMIT = 1.05
WARM_UP = 500


def guard() -> InputGuard:
    """Return a guard that looks at everything."""
    matrix = matrix_of(make_rows(5000))
    coded = np.isin(CONTRACT.feature_names, CONTRACT.categorical)
    detector = fit_detector(matrix[:3000], matrix[3000:], categorical=coded, flagged_share=0.01)
    ranges = {"hour": (0.0, 23.0), "distance": (0.0, 6000.0), "wind": (0.0, 90.0), "account": (0.0, 10.0)}
    return InputGuard(out_of_range="abstain", ranges=ranges, detector=detector)


def compare(requests: int, pause: float) -> float:
    """Run both services, print what was measured, and return the ratio of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        homes = [Path(scratch) / name for name in ("guarded", "plain")]
        for home, its in zip(homes, (guard(), None), strict=True):
            home.mkdir()
            make_live(home, put_model(home, guard=its))
        with process(*_command(homes[0])) as one, process(*_command(homes[1])) as other:
            taken = _measure((one, other), requests, pause)
            counted = _counted(one)
    return _said(taken[0], taken[1], counted)


def _command(home: Path) -> tuple[list[str], Path]:
    port = home.with_suffix(".port")
    command = [
        sys.executable, "-m", "ml_platform.serving", "--model", MODEL, "--env", "staging", "--home", str(home),
        "--port", "0", "--port-file", str(port),
    ]  # fmt: skip
    return command, port


def _measure(ports: tuple[int, int], requests: int, pause: float) -> list[list[float]]:
    body = msgspec.json.encode({"dataframe_records": [GOOD_ROW]})
    keepers = [Keeper(port, body) for port in ports]
    taken: list[list[float]] = [[], []]
    for index in range(requests + WARM_UP):
        for keeper, seconds in zip(keepers, taken, strict=True):
            before = time.perf_counter()
            keeper.ask()
            if index >= WARM_UP:
                seconds.append(time.perf_counter() - before)
            time.sleep(pause)
    return [sorted(seconds) for seconds in taken]


def _counted(port: int) -> dict[str, float]:
    time.sleep(1.0)  # what was answered last is looked at by then
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as got:
        lines = [line for line in got.read().decode().splitlines() if line.startswith("ml_platform_outlier_rows")]
    return {line.partition('what="')[2].partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}


def _said(guarded: list[float], plain: list[float], counted: dict[str, float]) -> float:
    seen = ", ".join(f"{what} {count:,.0f}" for what, count in counted.items())
    print(f"one row per request, {len(plain):,} requests each, interleaved; afterwards {seen}")
    ratio = 1.0
    for label, share in (("p99", 0.99), ("p50", 0.5)):
        mine, theirs = (seconds[int(share * len(seconds))] for seconds in (guarded, plain))
        ratio = mine / theirs
        print(f"{label}: with a guard {mine * 1e6:6.0f} us   without {theirs * 1e6:6.0f} us   ratio {ratio:.2f}")
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
