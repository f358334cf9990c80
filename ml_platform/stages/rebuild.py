"""Rebuild: source, snapshot, split, features, model and evaluation made again from a record, one after the other.

Runs in a process of its own, on a store of its own, maybe under an earlier version of this code: `Order`, `About` and
`Made` are what the two sides say to each other, so fields are added to them with a default and never changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ml_platform.core.digest import digest_of, short
from ml_platform.core.errors import DataInvalid, PlatformError, Unavailable
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import ReleaseRecord, SnapshotRecord, SourceFingerprint
from ml_platform.policy.spec import Profile
from ml_platform.stages.environment import Environment
from ml_platform.stages.stage_parts import (
    Parts,
    evaluation_parts,
    features_parts,
    model_parts,
    snapshot_parts,
    source_parts,
    split_parts,
)

if TYPE_CHECKING:
    from ml_platform.core.ports import TrainingRun
    from ml_platform.core.records import DeploymentRecord
    from ml_platform.core.trial import Trial
    from ml_platform.policy.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made again.

    `source` says whether the source is read: `recorded` if it still is as it was, else the stored snapshot stands in;
    `present` as it is now; `stored` never. Making ends at the first stage whose parts aren't those `expected`.
    """

    protocol: int = 1
    spec: Mapping[str, Any]
    source: Literal["recorded", "present", "stored"] = "present"
    why_stored: str = ""
    fingerprint: SourceFingerprint | None = None
    snapshot: SnapshotRecord | None = None
    as_of: dt.datetime | None = None
    champion: ReleaseRecord | None = None
    commit: str = ""
    expected: Mapping[str, Parts] = field(default_factory=dict)
    rounds: int = 1
    threads: int | None = None
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Where something is made again."""

    environment: Environment
    cpu: str
    system: str
    waiting: str
    platform_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A stage made again, part by part; `stored` when what was kept stands in for it, `failure` says why it failed.

    `hindered` when it failed for something around it, as a full disk, that says nothing of what would be made.
    """

    round: int = 1
    stage: str
    parts: Parts = field(default_factory=dict)
    note: str = ""
    stored: bool = False
    failure: str = ""
    hindered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the making happens: a store that is thrown away, and the folder with the recorded lock file."""

    store: ArtefactStore
    root: Path
    now: dt.datetime


def rebuild(order: Order, bench: Bench) -> Iterator[Made]:
    """Make every stage again, as often as ordered; a stage that fails is the last of its round."""
    spec = spec_of(order.spec)
    if order.threads is not None:
        learner = spec.learner.model_copy(update={"threads": order.threads})
        spec = spec.model_copy(update={"learner": learner})
    for count in range(1, order.rounds + 1):
        yield from _round(_Making(spec, order, bench), count)


def spec_of(said: Mapping[str, Any]) -> ModelSpec:
    """Return a recorded model file as the platform reads it; the order of its entries is kept."""
    import msgspec

    from ml_platform.policy.spec import ModelSpec

    return ModelSpec.model_validate_json(msgspec.json.encode(said))


def _round(making: _Making, count: int) -> Iterator[Made]:
    stages = (
        ("source", making.source),
        ("snapshot", making.snapshot),
        ("split", making.split),
        ("features", making.features),
        ("model", making.model),
        ("evaluation", making.evaluation),
    )
    for stage, make in stages:
        try:
            found = make()
        except PlatformError as error:
            # A source that is gone is a difference of the data.
            hindered = isinstance(error, Unavailable) and stage != "source"
            yield Made(round=count, stage=stage, failure=str(error), hindered=hindered)
            return
        yield Made(round=count, stage=stage, parts=found, note=making.note, stored=making.stored)
        if not making.stored and stage in making.order.expected and found != making.order.expected[stage]:
            return


class _Making:
    """One round: each stage needs what the one before it made."""

    def __init__(self, spec: ModelSpec, order: Order, bench: Bench) -> None:
        self.spec = spec
        self.order = order
        self.bench = bench
        self.note = ""
        self.stored = False
        self._from_store = order.source == "stored"

    def source(self) -> Parts:
        from ml_platform.sources.read import fingerprint

        if self.order.source == "stored":
            return self._stands_in(self.order.why_stored)
        try:
            self._fingerprint = fingerprint(self.spec, now=self.bench.now).record
        except PlatformError as error:
            if self.order.source == "present":
                raise
            return self._stands_in(f"the source can't be read any more ({error})")
        found, before = source_parts(self._fingerprint), self.order.fingerprint
        if self.order.source == "recorded" and before is not None and self._fingerprint.digest != before.digest:
            changed = [name for name, digest in source_parts(before).items() if found.get(name) != digest]
            return self._stands_in(f"{', '.join(changed) or 'its list of tables'} changed since", found)
        return found

    def snapshot(self) -> Parts:
        if self._from_store:
            self._snapshot = self._kept_snapshot()
            self.note = "read from what was kept, its content verified"
        else:
            self._snapshot = self._taken_snapshot()
        self.stored = False
        return snapshot_parts(self._snapshot)

    def split(self) -> Parts:
        from ml_platform.stages.split import make_split

        self.note = ""
        made = make_split(self.spec, store=self.bench.store, snapshot=self._snapshot, as_of=self._snapshot.as_of)
        self._split = made.record
        return split_parts(self._split)

    def features(self) -> Parts:
        from ml_platform.stages.features import build_features

        made = build_features(self.spec, store=self.bench.store, snapshot=self._snapshot, split=self._split)
        self._features = made.record
        return features_parts(self._features)

    def model(self) -> Parts:
        from ml_platform.stages.train import train

        made = train(
            self.spec, store=self.bench.store, features=self._features, tracker=_Untracked(), actor="",
            now=self.bench.now, root=self.bench.root, commit=self.order.commit,
        )  # fmt: skip
        self._model = made.record
        return model_parts(self.bench.store, self._model)

    def evaluation(self) -> Parts:
        from ml_platform.stages.evaluate import evaluate

        made = evaluate(
            self.spec, store=self.bench.store, model=self._model, features=self._features, split=self._split,
            champion=self.order.champion, profile=self.order.profile,
        )  # fmt: skip
        return evaluation_parts(self.bench.store, made.record)

    def _stands_in(self, why: str, parts: Parts | None = None) -> Parts:
        self.stored = self._from_store = True
        self.note = f"{why}: the stored snapshot stands in"
        return parts or {}

    def _kept_snapshot(self) -> SnapshotRecord:
        from ml_platform.stages.content_digest import content_digest
        from ml_platform.stages.pseudonymise import stored_types
        from ml_platform.stages.snapshot import read_rows

        kept = self.order.snapshot
        if kept is None:
            raise DataInvalid(f"{self.spec.model}: {self.note}, and none is stored; restore one of them")
        rows = read_rows(self.spec, self.bench.store, kept)
        if content_digest(rows, stored_types(self.spec)) != kept.digest:
            message = (
                f"{self.spec.model}: the stored snapshot {short(kept.digest)} holds other rows than its digest says; "
                "the very rows are needed; restore the snapshot"
            )
            raise DataInvalid(message)
        return kept

    def _taken_snapshot(self) -> SnapshotRecord:
        from ml_platform.stages.learn_from_feedback import read_learned
        from ml_platform.stages.snapshot import take_snapshot

        self.note = ""
        kept = self.order.snapshot
        taken = take_snapshot(
            self.spec, store=self.bench.store, source=self._fingerprint, as_of=self.order.as_of, reference=None,
            now=self.bench.now, feedback=read_learned(self.bench.store, kept.feedback_digest if kept else ""),
        )  # fmt: skip
        return taken.snapshot.record


class _Untracked:
    """A tracker that writes nothing down: what is made again is no training run of its own."""

    def log_training(self, run: TrainingRun) -> str:
        return digest_of(dict(run.tags))

    def log_trials(self, model: str, run_id: str, trials: Sequence[Trial]) -> None:
        """Nothing is written down."""

    def log_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Nothing is written down."""

    def has_run(self, run_id: str) -> bool:
        return bool(run_id)

    def project_release(self, release: ReleaseRecord, run_id: str) -> None:
        """Nothing is shown."""

    def project_live(self, deployment: DeploymentRecord) -> None:
        """Nothing is shown."""
