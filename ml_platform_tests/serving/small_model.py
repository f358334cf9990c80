"""A small trained model as an artefact folder, and what makes it live."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from functools import cache
from pathlib import Path
from typing import Literal

import lightgbm
import msgspec
import numpy as np
from numpy.typing import NDArray

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import Manifest, manifest_path
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.rollout_manifests import show_rollouts
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.digest import digest_of_bytes
from ml_platform.core.input_guard import InputGuard
from ml_platform.core.records import Conditions, Evidence, ModelRecord, ReleaseRecord
from ml_platform.core.rollout import RolloutEnd, RolloutRecord
from ml_platform.core.scoring import FeaturesState, InputColumn, ScoringContract, artefact_digest
from ml_platform.stages.attest import write_bundle
from ml_platform.stages.evidence import write_evidence
from ml_platform.stages.statements import Making
from ml_platform_tests.stages import lock_world

MODEL = "toy"
SINCE = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
POLICY = lock_world.policy()
LEVELS = {"carrier": ("AA", "B6", "UA"), "origin": ("EWR", "JFK", "LGA")}
SOURCE = '''"""Features of a toy model."""

import numpy as np


def transform(columns, state):
    """Add the hour's place on the clock."""
    angle = columns["hour"] * (2 * np.pi / 24)
    long = columns["distance"] - state["mean"]
    return {**columns, "hour_sin": np.sin(angle), "hour_cos": np.cos(angle), "long": long}
'''
CONTRACT = ScoringContract(
    model=MODEL,
    inputs=(
        InputColumn(name="hour", type="integer", low=0, high=23),
        InputColumn(name="distance", type="number", low=0, high=6000),
        InputColumn(name="wind", type="number", low=0, missing=0.2),
        InputColumn(name="carrier", type="category"),
        InputColumn(name="origin", type="category", levels=LEVELS["origin"]),
        InputColumn(name="weekend", type="boolean", missing=0.1),
        InputColumn(name="account", type="number", missing=0.5, logged=False),
    ),
    time="departs",
    features_module="somewhere.features",
    code_digest="c" * 64,
    feature_names=(
        "hour", "distance", "wind", "carrier", "origin", "weekend", "account", "hour_sin", "hour_cos", "long",
    ),
    categorical=("carrier", "origin"),
    threshold=0.5,
    shown=("carrier",),
    made_from={
        "hour": ("hour",), "distance": ("distance",), "wind": ("wind",), "carrier": ("carrier",), "origin": ("origin",),
        "weekend": ("weekend",), "account": ("account",), "hour_sin": ("hour",), "hour_cos": ("hour",),
        "long": ("distance", "wind"),
    },
)  # fmt: skip
GOOD_ROW: dict[str, object] = {
    "hour": 9, "distance": 733.5, "wind": 8.1, "carrier": "UA", "origin": "EWR", "weekend": False, "account": 1.5,
}  # fmt: skip


def make_rows(count: int, seed: int = 1) -> list[dict[str, object]]:
    """Return rows that keep the contract, some values missing, some carriers never seen."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        row = dict(GOOD_ROW)
        row["hour"] = int(rng.integers(0, 24))
        row["distance"] = float(rng.uniform(0, 6000))
        row["wind"] = float(rng.exponential(9)) if rng.random() > 0.1 else None
        row["carrier"] = str(rng.choice([*LEVELS["carrier"], "ZZ"]))
        row["origin"] = str(rng.choice(LEVELS["origin"]))
        row["weekend"] = bool(rng.random() > 0.5) if rng.random() > 0.1 else None
        rows.append(row)
    return rows


@cache
def trained_text(seed: int) -> str:
    """Return the text of a model trained on noise with a little signal."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(600, len(CONTRACT.feature_names)))
    matrix[:, 3] = rng.integers(0, 3, 600)
    matrix[:, 4] = rng.integers(0, 3, 600)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    target = (np.nan_to_num(matrix[:, 0]) + rng.normal(size=600) > 0).astype(float)
    data = lightgbm.Dataset(
        matrix, target, feature_name=list(CONTRACT.feature_names), categorical_feature=list(CONTRACT.categorical)
    )
    settings = {"objective": "binary", "num_leaves": 7, "num_threads": 1, "seed": seed, "verbosity": -1}
    return lightgbm.train(settings, data, 20).model_to_string()


def put_model(
    home: Path,
    *,
    seed: int = 1,
    contract: ScoringContract = CONTRACT,
    source: str = SOURCE,
    text: str | None = None,
    guard: InputGuard | None = None,
) -> str:
    """Write an artefact into the store of a home and return its digest."""
    state = FeaturesState(levels=LEVELS, state={"mean": 1000.0})
    files = {
        "model.txt": (text or trained_text(seed)).encode(),
        "features_state.json": msgspec.json.encode(state),
        "scoring.json": msgspec.json.encode(contract),
        "features.py": source.encode(),
        **({"guard.json": msgspec.json.encode(guard)} if guard else {}),
    }
    digest = artefact_digest({name: digest_of_bytes(content) for name, content in files.items()})
    FileArtefacts(home).put("models", digest, files)
    return digest


def record_of(digest: str) -> ModelRecord:
    """Return the record of a written artefact."""
    conditions = Conditions(
        seed=1, threads=1, learner="lightgbm", learner_version="4", environment_digest="e", code_digest="c",
        git_commit="g", git_dirty=False, cpu="x", python="3.11",
    )  # fmt: skip
    return ModelRecord(
        model=MODEL, digest=digest, tree_digest="t" * 64, features_digest="f" * 64, parameters_digest="p" * 64,
        conditions=conditions, rounds=20, threshold=0.5, run_id="r", trained_by="someone", trained_at=SINCE,
    )  # fmt: skip


def make_live(
    home: Path, digest: str, *, version: int = 1, environment: str = "staging", model: str = MODEL
) -> Manifest:
    """Release and deploy a version in the ledger, then show it."""
    with contextlib.closing(opened(home)) as ledger:
        release = released(home, ledger, digest, version, model=model)
        ledger.deploy(release, environment, actor="bob", reason="a test", approvals=(), at=SINCE)
    return show(home, digest, release.evidence_digest, version=version, environment=environment, model=model)


def opened(home: Path) -> SqliteLedger:
    """Open the ledger of a home."""
    checkpoints = Checkpoints(target_of(home, ""), FileSigningKeys(home))
    return SqliteLedger(home / "ledger.sqlite", clock=lambda: SINCE, checkpoints=checkpoints)


def released(home: Path, ledger: SqliteLedger, digest: str, version: int, *, model: str = MODEL) -> ReleaseRecord:
    """Return a version from the ledger; it and those missing before it are registered with this model, signed."""
    for number in range(len(ledger.releases(model)) + 1, version + 1):
        evidence, store = evidence_of(digest, number, model=model), FileArtefacts(home)
        making = Making(released_by="alice", run_id="run", platform="0.1.0", training={"rounds": 20})
        bundle = write_bundle(store, FileSigningKeys(home), evidence=evidence, policy=POLICY, making=making)
        ledger.record_release(evidence, put_evidence(home, evidence), actor="alice", at=SINCE, bundle_digest=bundle)
    release = ledger.release(model, version)
    if release is None or release.candidate.model_digest != digest:
        raise ValueError(f"version {version} is another model: the test's world is wrong")
    return release


def evidence_of(digest: str, number: int, *, model: str = MODEL) -> Evidence:
    """Return evidence about a model; `number` makes it another one."""
    candidate = dataclasses.replace(lock_world.candidate(digest), model=model, git_commit=f"{number:040d}")
    return lock_world.evidence_of(POLICY, candidate, lock_world.parts(POLICY, candidate))


def put_evidence(home: Path, evidence: Evidence) -> str:
    """Write evidence into the store of a home and return its digest."""
    return write_evidence(FileArtefacts(home), evidence)


def show(
    home: Path, digest: str, evidence_digest: str, *, version: int = 1, environment: str = "staging", model: str = MODEL
) -> Manifest:
    """Write only the deployment manifest, as a promotion does: whole and by rename."""
    manifest = Manifest(
        model=model,
        environment=environment,
        version=version,
        model_digest=digest,
        evidence_digest=evidence_digest,
        since=SINCE,
    )
    path = manifest_path(home, environment, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{version}")
    draft.write_bytes(msgspec.json.encode(manifest))
    draft.replace(path)
    return manifest


def expected_scores(rows: list[dict[str, object]], *, seed: int = 1) -> list[float]:
    """Score rows without the platform: features by hand, `Booster.predict` of the lightgbm package."""
    scores = lightgbm.Booster(model_str=trained_text(seed)).predict(matrix_of(rows), num_threads=1)
    return [float(score) for score in np.asarray(scores)]


def matrix_of(rows: list[dict[str, object]]) -> NDArray[np.float64]:
    """Return the features of rows, by hand."""
    plain = [[_number(name, row[name]) for name in GOOD_ROW] for row in rows]
    matrix = np.array(plain, dtype=np.float64)
    angle = matrix[:, 0] * (2 * np.pi / 24)
    return np.column_stack([matrix, np.sin(angle), np.cos(angle), matrix[:, 1] - 1000.0])


def _number(name: str, value: object) -> float:
    if value is None:
        return np.nan
    if name in LEVELS:
        return float(LEVELS[name].index(str(value))) if value in LEVELS[name] else np.nan
    return float(value)  # type: ignore[arg-type]


def with_input(column: InputColumn) -> ScoringContract:
    """Return the contract with one column declared otherwise."""
    changed = tuple(column if one.name == column.name else one for one in CONTRACT.inputs)
    return dataclasses.replace(CONTRACT, inputs=changed)


def begin_rollout(
    home: Path,
    digest: str,
    *,
    version: int = 2,
    strategy: Literal["shadow", "canary"] = "canary",
    weight: float = 0.5,
    sticky_by: str = "",
    rollout_id: str = "r1",
) -> RolloutRecord:
    """Release a version, try it beside what is live in staging, and show that."""
    with contextlib.closing(opened(home)) as ledger:
        release, live = released(home, ledger, digest, version), ledger.live(MODEL, "staging")
        if live is None:
            raise ValueError("nothing is live: the test's world is wrong")
        rollout = RolloutRecord(
            rollout_id=rollout_id, model=MODEL, environment="staging", strategy=strategy, weight=weight,
            sticky_by=sticky_by, champion=live.version, champion_digest=live.model_digest, version=version,
            model_digest=digest, evidence_digest=release.evidence_digest, rules_digest="d" * 64, since=SINCE,
            actor="bob", reason="a test",
        )  # fmt: skip
        begun = ledger.begin_rollout(rollout, approvals=())
        show_rollouts(home, ledger)
    return begun


def end_rollout(home: Path, rollout_id: str = "r1", *, shown: bool = True) -> None:
    """Stop a rollout, and show that."""
    ended = RolloutEnd(rollout_id=rollout_id, outcome="stopped", at=SINCE, actor="bob", reason="a test")
    with contextlib.closing(opened(home)) as ledger:
        ledger.end_rollout(ended)
        if shown:
            show_rollouts(home, ledger)
