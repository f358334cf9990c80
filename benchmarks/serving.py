"""One row per request: our scoring service against its peers, interleaved in one run.

Ours checks the contract, computes the features, scores, and writes each prediction down, sealed; the peers only check
types and score: a bare FastAPI + pydantic + LightGBM service, and `mlflow models serve` of a model with a signature, in
the environment that this runs in. Same model, one keep-alive socket each, requests in turn; MLflow, which is slow, gets
one in ten. CPU is that of each service's processes. Then 32 connections at once, ours answering only after the disk
(`--durable`), in slices.

`python benchmarks/serving.py [--requests 5000] [--peers bare,mlflow] [--home HOME --model MODEL --env ENVIRONMENT]`;
without a home a model of 18 inputs, 16 features, 100 trees is made. Ends with 1 when a limit isn't kept.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from serving_model import make_model
from serving_peers import Keeper, Peer, bare, mlflow, ours

P50_LIMIT, P99_LIMIT = 0.6, 1.1
LEAST_FASTER, LEAST_CHEAPER, LEAST_DURABLE = 15.0, 10.0, 10.0
WARM_UP = 300
SLOW_SHARE = 10
CONNECTIONS, SLICES, SLICE_SECONDS = 32, 4, 1.0


@dataclass(slots=True)
class Measured:
    """What a service took: the seconds of each request, and CPU seconds per request."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def quantile(self, share: float) -> float:
        """Return a quantile of the seconds."""
        return sorted(self.seconds)[int(share * len(self.seconds))]


def measure(peers: Sequence[Peer], body: bytes, requests: int) -> dict[str, Measured]:
    """Ask all in turn, the slow one rarely."""
    keepers = {peer.name: Keeper(peer.port, body) for peer in peers}
    if len({str(json.loads(keeper.ask())["predictions"]) for keeper in keepers.values()}) != 1:
        raise RuntimeError("the services score differently: they don't serve the same model")
    for peer in peers:
        for _ in range(WARM_UP // (SLOW_SHARE if peer.name.startswith("mlflow") else 1)):
            keepers[peer.name].ask()
    found = {peer.name: Measured() for peer in peers}
    before = {peer.name: peer.cpu_seconds() for peer in peers}
    for index in range(requests):
        for name, keeper in keepers.items():
            if name.startswith("mlflow") and index % SLOW_SHARE:
                continue
            began = time.perf_counter()
            keeper.ask()
            found[name].seconds.append(time.perf_counter() - began)
    for peer in peers:
        found[peer.name].cpu_seconds = (peer.cpu_seconds() - before[peer.name]) / len(found[peer.name].seconds)
    return found


def per_second(peer: Peer, body: bytes) -> float:
    """Return how many requests a second are answered on many connections at once."""
    with selectors.DefaultSelector() as waiting:
        for _ in range(CONNECTIONS):
            keeper = Keeper(peer.port, body)
            waiting.register(keeper.socket, selectors.EVENT_READ, keeper)
            keeper.send()
        answered, began = 0, time.perf_counter()
        while time.perf_counter() - began < SLICE_SECONDS:
            for key, _ in waiting.select(1.0):
                key.data.receive()
                answered += 1
                key.data.send()
        taken = time.perf_counter() - began
        for key in list(waiting.get_map().values()):
            key.data.receive()
            key.data.socket.close()
    return answered / taken


def say(found: dict[str, Measured]) -> list[tuple[str, float, bool]]:
    """Print what was measured and return what is held to a limit: what, value, kept."""
    mine = found["ours"]
    held = []
    for name, one in found.items():
        print(
            f"{name:<20} p50 {one.quantile(0.5) * 1e6:8.0f} us   p99 {one.quantile(0.99) * 1e6:8.0f} us   "
            f"CPU {one.cpu_seconds * 1e6:8.0f} us   ({len(one.seconds):,} requests)"
        )
    if "bare FastAPI" in found:
        theirs = found["bare FastAPI"]
        for label, share, limit in (("p50", 0.5, P50_LIMIT), ("p99", 0.99, P99_LIMIT)):
            ratio = mine.quantile(share) / theirs.quantile(share)
            held.append((f"{label}: ours / bare FastAPI, at most {limit:g}", ratio, ratio <= limit))
        print(f"CPU: ours / bare FastAPI {mine.cpu_seconds / theirs.cpu_seconds:.2f}")
    if "mlflow models serve" in found:
        slow = found["mlflow models serve"]
        faster, cheaper = slow.quantile(0.5) / mine.quantile(0.5), slow.cpu_seconds / mine.cpu_seconds
        held.append((f"p50: mlflow / ours, at least {LEAST_FASTER:g}", faster, faster >= LEAST_FASTER))
        held.append((f"CPU: mlflow / ours, at least {LEAST_CHEAPER:g}", cheaper, cheaper >= LEAST_CHEAPER))
    return held


def say_durable(durable: Peer, slow: Peer, body: bytes) -> tuple[str, float, bool]:
    """Compare answers after the disk with MLflow's, on many connections, in turn."""
    rates: dict[str, list[float]] = {durable.name: [], slow.name: []}
    for _ in range(SLICES):
        for peer in (durable, slow):
            rates[peer.name].append(per_second(peer, body))
    mine, theirs = (statistics.median(rates[peer.name]) for peer in (durable, slow))
    print(f"{CONNECTIONS} connections: ours after the disk {mine:,.0f}/s   mlflow models serve {theirs:,.0f}/s")
    ratio = mine / theirs
    return (
        f"after the disk at {CONNECTIONS} connections: ours / mlflow, at least {LEAST_DURABLE:g}",
        ratio,
        (ratio >= LEAST_DURABLE),
    )


def compare(home: Path, model: str, environment: str, requests: int, peers: Sequence[str]) -> bool:
    """Run the services, print what was measured, and say whether all limits were kept."""
    from ml_platform.adapters.artefacts import FileArtefacts
    from ml_platform.adapters.deployments import read_manifest
    from ml_platform.core.scoring import FeaturesState, ScoringContract
    from ml_platform.serving.openapi import example
    from ml_platform.stages.bundle import read_verified

    manifest = read_manifest(home, environment, model)
    if manifest is None:
        raise SystemExit(f"nothing is live for {model} in {environment} in {home}")
    files = read_verified(FileArtefacts(home), manifest.model_digest)
    contract = msgspec.json.decode(files["scoring.json"], type=ScoringContract)
    learned = msgspec.json.decode(files["features_state.json"], type=FeaturesState)
    known = {name: levels[0] for name, levels in learned.levels.items()}  # as nearly every request's are
    body = msgspec.json.encode({"dataframe_records": [{**example(contract, learned.levels), **known}]})
    with tempfile.TemporaryDirectory() as given, contextlib.ExitStack() as stack:
        scratch = Path(given)
        folder = scratch / "model"  # the peers know no sealed files
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        running = [stack.enter_context(ours(home, model, environment, scratch))]
        if "bare" in peers:
            running.append(stack.enter_context(bare(folder, scratch)))
        if "mlflow" in peers:
            running.append(stack.enter_context(mlflow(folder, scratch, _quiet(scratch))))
        print(f"one row per request, interleaved; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        held = say(measure(running, body, requests))
        if "mlflow" in peers:
            durable = stack.enter_context(ours(home, model, environment, scratch, "--sync-seconds", "0"))
            held.append(say_durable(durable, running[-1], body))
    for what, value, kept in held:
        print(f"{what}: {value:.2f}: {'kept' if kept else 'BROKEN'}")
    return all(kept for _, _, kept in held)


def _quiet(scratch: Path) -> dict[str, str]:
    """Return an environment in which MLflow calls nobody and writes nothing here."""
    stays = {"MLFLOW_TRACKING_URI": f"sqlite:///{scratch / 'mlflow.db'}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # it starts its server by name
    return {**os.environ, **stays, "DO_NOT_TRACK": "true", "PATH": path}


def main() -> int:
    """Compare; returns 1 when a limit isn't kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--peers", default="bare,mlflow", help="which of bare and mlflow, with a comma")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--model", default="flights")
    parser.add_argument("--env", default="production")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home, model, environment = given.home, given.model, given.env
        if home is None:
            home = Path(scratch)
            model, environment = make_model(home)
        kept = compare(home.absolute(), model, environment, given.requests, given.peers.split(","))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
