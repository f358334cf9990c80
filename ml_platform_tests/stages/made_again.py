"""A released version of a small model whose features belong to a team of their own, to be made again."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import (
    Evidence,
    FeaturesRecord,
    ReleaseRecord,
    SnapshotRecord,
    SourceFingerprint,
    SplitRecord,
)
from ml_platform.core.reproduction import Reproduction
from ml_platform.orchestration.rebuild_child import main
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.spec import ModelSpec
from ml_platform.settings import Settings
from ml_platform.sources.read import fingerprint
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.evidence import write_evidence
from ml_platform.stages.features import build_features
from ml_platform.stages.features_module import code_files, load_features
from ml_platform.stages.ingredients import Ingredients
from ml_platform.stages.rebuild import Order
from ml_platform.stages.rebuild_process import Heard, Kitchen, ingredients, listen, send
from ml_platform.stages.recipe import keep_recipe
from ml_platform.stages.reproduce import Present, Way, read_version, reproduce
from ml_platform.stages.snapshot import take_snapshot
from ml_platform.stages.split import make_split
from ml_platform.stages.train import train
from ml_platform.stages.tune import tune
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.orchestration.small_model import NOW, load_small
from ml_platform_tests.orchestration.small_model import rows as parcels
from ml_platform_tests.stages.toy import repository

MODULE = "parcels_team.parcel_features"
USES = ("ml_platform_tests.orchestration.small_features", MODULE)
RULES = "parcel_rules"
FEATURES = """\
from parcel_rules import HEAVY


def transform(columns, state):
    return {
        "weight": columns["weight"],
        "heavy": (columns["weight"] > HEAVY) * 1.0,
        "distance": columns["distance"],
        "carrier": columns["carrier"],
    }
"""


@dataclasses.dataclass(frozen=True)
class Team:
    """A folder with the table, the model file, the team's features and a package that these use."""

    folder: Path

    @property
    def table(self) -> Path:
        return self.folder / "parcels.csv"

    @property
    def features(self) -> Path:
        return self.folder / "code" / "parcels_team" / "parcel_features.py"

    def install(self, version: str, heavy: int) -> None:
        """Install a version of the package in place of the one that is there."""
        for old in (self.folder / "code").glob(f"{RULES}-*"):
            old.rmdir()
        (self.folder / "code" / f"{RULES}-{version}.dist-info").mkdir(parents=True)
        shutil.rmtree(self.folder / "code" / "__pycache__", ignore_errors=True)  # what was compiled a second ago
        (self.folder / "code" / f"{RULES}.py").write_text(f"HEAVY = {heavy}\n")

    def settings(self, tracking: str) -> Settings:
        return Settings(
            home=self.folder / "home", mlflow_uri=tracking, actor="robin", defs=self.folder / "defs", only=()
        )

    def load(self, *changes: tuple[str, str]) -> GovernedModelFile:
        """Write the model file with its changes and load it; the table stays as it is."""
        table = self.table.read_bytes() if self.table.exists() else None
        file = load_small(self.folder, USES, *changes, table=parcels(2_500))
        if table is not None:
            self.table.write_bytes(table)
        return file

    def present(self, *changes: tuple[str, str]) -> Present:
        """Return the model as it is now."""
        spec = self.load(*changes).spec
        return Present(spec=spec.model_dump(mode="json"), code=code_files(load_features(spec)))


def found_team(folder: Path) -> Team:
    """Write everything; the code still has to be on the path."""
    team = Team(folder)
    team.features.parent.mkdir(parents=True)
    team.features.write_text(FEATURES)
    team.install("1.0", 35)
    repository(folder)
    return team


def make_version(
    team: Team, platform: Platform, *changes: tuple[str, str], champion: ReleaseRecord | None = None
) -> ReleaseRecord:
    """Go the path of the team's model."""
    return version_of(team.load(*changes).spec, platform, root=team.folder, champion=champion)


def version_of(
    spec: ModelSpec, platform: Platform, *, root: Path, champion: ReleaseRecord | None = None
) -> ReleaseRecord:
    """Go the path from the source to a registered version, with its recipe and without its gates."""
    return version_on(rows_of(spec, platform), spec, platform, root=root, champion=champion)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rows:
    """The records of the path up to the features."""

    source: SourceFingerprint
    snapshot: SnapshotRecord
    split: SplitRecord
    features: FeaturesRecord


def rows_of(spec: ModelSpec, platform: Platform) -> Rows:
    """Go the path from the source to the features."""
    store = platform.store
    source = fingerprint(spec, now=NOW).record
    snapshot = take_snapshot(spec, store=store, source=source, as_of=None, reference=None, now=NOW).snapshot.record
    split = make_split(spec, store=store, snapshot=snapshot, as_of=snapshot.as_of).record
    features = build_features(spec, store=store, snapshot=snapshot, split=split).record
    return Rows(source=source, snapshot=snapshot, split=split, features=features)


def version_on(
    rows: Rows, spec: ModelSpec, platform: Platform, *, root: Path, champion: ReleaseRecord | None = None
) -> ReleaseRecord:
    """Go the rest of the path: train, evaluate, keep the recipe and register."""
    store, ledger, split, features = platform.store, platform.ledger, rows.split, rows.features
    tuning = tune(spec, store=store, journals=platform.journals, features=features).record if spec.tuning else None
    model = train(
        spec, store=store, features=features, tracker=FakeTracker(), actor="robin", now=NOW, tuning=tuning, root=root
    ).record
    evaluation = evaluate(
        spec, store=store, model=model, features=features, split=split, champion=champion
    ).record  # fmt: skip
    made = Ingredients(
        source=rows.source, snapshot=rows.snapshot, split=split, features=features, model=model, evaluation=evaluation
    )
    keep_recipe(spec, store, ledger, made, actor="robin", now=NOW)
    return register(platform, made)


def register(platform: Platform, made: Ingredients) -> ReleaseRecord:
    """Register a candidate whatever its gates say."""
    evidence = Evidence(candidate=made.candidate, policy_digest="", parts=(), made_at=NOW, trained_by="robin")
    digest = write_evidence(platform.store, evidence)
    return platform.ledger.record_release(evidence, digest, actor="robin", at=NOW)


@dataclasses.dataclass(frozen=True)
class Released:
    """A team, its platform, and a version that was made on it."""

    team: Team
    platform: Platform
    version: ReleaseRecord


@contextlib.contextmanager
def released_by(team: Team, tracking: str, *changes: tuple[str, str]) -> Iterator[Released]:
    """Make a version of a team's model on its own platform."""
    with imports_of(team), opened(team, tracking) as platform:
        yield Released(team, platform, make_version(team, platform, *changes))


@contextlib.contextmanager
def imports_of(team: Team) -> Iterator[None]:
    """Put the team's code on the path, and forget at the end what was imported of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(team.folder / "code")
        with _as_before():
            yield


def cook_here(order: Order, kitchen: Kitchen, *, store: ArtefactStore) -> Heard:
    """Make everything again in this process: what a child does, without paying its imports."""
    stream = io.BytesIO()
    send(ingredients(order, kitchen, store), stream)
    stream.seek(0)
    with tempfile.TemporaryDirectory() as scratch, _as_before():
        main(Path(scratch), stream)
        return listen(Path(scratch) / "said")


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    finders, path = list(sys.meta_path), list(sys.path)
    _forget()
    try:
        yield
    finally:
        sys.meta_path[:], sys.path[:] = finders, path
        _forget()


def _forget() -> None:
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] in {RULES, "parcels_team"}]:
        del sys.modules[name]


def again(platform: Platform, release: ReleaseRecord, way: Way | None = None) -> Reproduction:
    """Make a version again in this process."""
    kept = read_version(platform.store, platform.ledger, release)
    return reproduce(kept, way or Way(), store=platform.store, run=cook_here)


def opened(team: Team, tracking: str) -> Platform:
    """Open the team's platform."""
    return open_platform(team.settings(tracking))
