"""The model of `serving.py`: 18 inputs, 16 features and 100 trees, trained on noise, released and live in staging."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import msgspec

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
