"""One row per request: our scoring service against a bare FastAPI + pydantic + Booster one, interleaved in one run.

Ours checks the contract, computes the features, scores, and writes each prediction down; the bare one leaves out
the log. Same model, same server (uvicorn, httptools), one keep-alive socket each, requests to both in turn.

`python benchmarks/serving.py [--requests 5000] [--home HOME --model MODEL --env ENVIRONMENT]`; without a home a model
of 18 inputs, 16 features, 100 trees is made. Ends with 1 when the ratio of the medians is above the limit.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

LIMIT = 0.8
WARM_UP = 500
SINCE = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
SOURCE = '''"""Features of the benchmark's model."""

import numpy as np


def transform(columns, state):
    """Clock, span and weather, much as a real model has them."""
    minute = columns["hour"] * 60.0 + columns["minute"]
    span = (columns["n0"] - minute) % 1440.0
    kept = {name: columns[name] for name in state["kept"]}
    wind = np.hypot(kept["n1"], kept["n2"])
    return {**kept, "minute": minute, "span": span, "sin": np.sin(minute / 229.0), "wind": wind}
'''


class Keeper:
    """One keep-alive connection that costs the client as little as possible."""

    def __init__(self, port: int, body: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        self._request = head.encode() + b"\r\n\r\n" + body

    def ask(self) -> bytes:
        """Send the request and return the body of the answer; raises RuntimeError when it isn't 200."""
        self._socket.sendall(self._request)
        answer = self._socket.recv(1 << 16)
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(1 << 16)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._socket.recv(1 << 16)
        if b" 200 " not in head[:20]:
            raise RuntimeError(body.decode())
        return body


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


def measure(ours: Keeper, bare: Keeper, requests: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each request to ours and to the bare service, sorted; every second goes to the other."""
    if json.loads(ours.ask())["predictions"] != json.loads(bare.ask())["predictions"]:
        raise RuntimeError("the two services score differently: they don't serve the same model")
    taken: tuple[list[float], list[float]] = ([], [])
    for index in range(requests + WARM_UP):
        for keeper, seconds in zip((ours, bare), taken, strict=True):
            before = time.perf_counter()
            keeper.ask()
            if index >= WARM_UP:
                seconds.append(time.perf_counter() - before)
    return sorted(taken[0]), sorted(taken[1])


def make_model(home: Path) -> tuple[str, str]:
    """Train a model on noise, put it live in `home`, and return its name and environment."""
    import lightgbm
    import numpy as np

    from ml_platform.adapters.artefacts import FileArtefacts
    from ml_platform.core.digest import digest_of_bytes
    from ml_platform.core.scoring import FeaturesState, InputColumn, ScoringContract, artefact_digest

    numbers = [f"n{index}" for index in range(12)]
    levels = {f"c{index}": tuple(f"L{level}" for level in range(8 + 10 * index)) for index in range(4)}
    kept = [*numbers, *levels][:12]
    names = (*kept, "minute", "span", "sin", "wind")
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(5000, len(names)))
    target = (matrix[:, 0] + matrix[:, 13] + rng.normal(size=5000) > 0).astype(float)
    settings = {"objective": "binary", "num_leaves": 31, "num_threads": 1, "seed": 1, "verbosity": -1}
    trained = lightgbm.train(settings, lightgbm.Dataset(matrix, target, feature_name=list(names)), 100)
    contract = ScoringContract(
        model="bench",
        inputs=(
            InputColumn(name="hour", type="integer", low=0, high=23),
            InputColumn(name="minute", type="integer", low=0, high=59),
            *(InputColumn(name=name, type="number", low=-1e6, high=1e6, missing=0.1) for name in numbers),
            *(InputColumn(name=name, type="category") for name in levels),
        ),
        time=None, features_module="bench", code_digest="c" * 64, feature_names=names, categorical=(), threshold=0.5,
    )  # fmt: skip
    files = {
        "model.txt": trained.model_to_string().encode(),
        "features_state.json": msgspec.json.encode(FeaturesState(levels=levels, state={"kept": kept})),
        "scoring.json": msgspec.json.encode(contract),
        "features.py": SOURCE.encode(),
    }
    digest = artefact_digest({name: digest_of_bytes(content) for name, content in files.items()})
    FileArtefacts(home).put("models", digest, files)
    make_live(home, digest)
    return "bench", "staging"


def make_live(home: Path, model_digest: str) -> None:
    """Release the model and deploy it to staging: the service believes the ledger, not the manifest alone."""
    from ml_platform.adapters.artefacts import FileArtefacts
    from ml_platform.adapters.deployments import write_manifest
    from ml_platform.adapters.ledger import SqliteLedger
    from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
    from ml_platform.adapters.signing_keys import FileSigningKeys
    from ml_platform.core.measurement import Measurement
    from ml_platform.core.records import Candidate, Evidence
    from ml_platform.policy.gates import AtLeast
    from ml_platform.policy.judge import judge
    from ml_platform.policy.resolve import make_policy
    from ml_platform.stages.attest import write_bundle
    from ml_platform.stages.evidence import part_of, write_evidence
    from ml_platform.stages.statements import Making

    names = ("source", "snapshot", "split", "features", "code", "parameters", "environment", "evaluation")
    others = {f"{name}_digest": "0" * 64 for name in names}
    candidate = Candidate(model="bench", model_digest=model_digest, git_commit="0" * 40, **others)
    gate = AtLeast(
        kind="at_least", limit=0.5, control="BENCH", stage="model", metric="bench_metric", severity="block",
        why="a benchmark", next_step="none",
    )  # fmt: skip
    policy = make_policy({"bench_is_good": gate}, (), {}, ("bench",))
    measured = [Measurement(metric="bench_metric", value=0.9, n=100)]
    verdicts = judge(policy, "model", measured, conditions=frozenset({"always"}), now=SINCE)
    part = part_of("model", model_digest, policy, verdicts, conditions={"always"}, now=SINCE)
    evidence = Evidence(
        candidate=candidate, policy_digest=policy.digest, parts=(part,), made_at=SINCE, trained_by="bench"
    )
    store = FileArtefacts(home)
    making = Making(released_by="bench", run_id="bench", platform="0", training={})
    bundle = write_bundle(store, FileSigningKeys(home), evidence=evidence, policy=policy, making=making)
    digest = write_evidence(store, evidence)
    checkpoints = Checkpoints(target_of(home, ""), FileSigningKeys(home))
    ledger = SqliteLedger(home / "ledger.sqlite", clock=lambda: SINCE, checkpoints=checkpoints)
    with contextlib.closing(ledger):
        release = ledger.record_release(evidence, digest, actor="bench", at=SINCE, bundle_digest=bundle)
        live = ledger.deploy(release, "staging", actor="bench", reason="benchmark", approvals=(), at=SINCE)
    write_manifest(home, store, live)


def compare(home: Path, model: str, environment: str, requests: int) -> float:
    """Run both services, print what was measured, and return the ratio of the medians."""
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
    body = msgspec.json.encode({"dataframe_records": [example(contract, learned.levels)]})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"  # the bare service knows no sealed files
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        ports = Path(scratch) / "ours", Path(scratch) / "bare"
        commands = (
            [
                sys.executable, "-m", "ml_platform.serving", "--model", model, "--env", environment, "--home",
                str(home), "--port", "0", "--port-file", str(ports[0]), "--traffic", str(Path(scratch) / "traffic"),
            ],
            [sys.executable, str(Path(__file__).with_name("bare_service.py")), str(folder), str(ports[1])],
        )  # fmt: skip
        with process(commands[0], ports[0]) as ours, process(commands[1], ports[1]) as bare:
            taken = measure(Keeper(ours, body), Keeper(bare, body), requests)
    return _said(*taken)


def _said(ours: list[float], bare: list[float]) -> float:
    print(f"one row per request, {len(ours):,} requests each, interleaved")
    ratio = 1.0
    for label, share in (("p99", 0.99), ("p50", 0.5)):
        mine, theirs = (seconds[int(share * len(seconds))] for seconds in (ours, bare))
        ratio = mine / theirs
        print(f"{label}: ours {mine * 1e6:7.0f} us   bare FastAPI {theirs * 1e6:7.0f} us   ratio {ratio:.2f}")
    return ratio


def main() -> int:
    """Compare; returns 1 when the ratio of the medians is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--model", default="flights")
    parser.add_argument("--env", default="production")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home, model, environment = given.home, given.model, given.env
        if home is None:
            home = Path(scratch)
            model, environment = make_model(home)
        ratio = compare(home.absolute(), model, environment, given.requests)
    print(f"limit of the p50 ratio: {LIMIT}: {'kept' if ratio <= LIMIT else 'BROKEN'}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
