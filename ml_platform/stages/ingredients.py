"""Ingredients: the records of the path that one release is made of, and whether they are there and fit together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from ml_platform.core.measurement import Measurement
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import (
    Candidate,
    EvaluationRecord,
    FeaturesRecord,
    ModelRecord,
    SnapshotRecord,
    SourceFingerprint,
    SplitRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """The records from the source to the evaluation."""

    source: SourceFingerprint
    snapshot: SnapshotRecord
    split: SplitRecord
    features: FeaturesRecord
    model: ModelRecord
    evaluation: EvaluationRecord

    @property
    def candidate(self) -> Candidate:
        """Return the release candidate that they make."""
        return Candidate(
            model=self.model.model,
            source_digest=self.source.digest,
            snapshot_digest=self.snapshot.digest,
            split_digest=self.split.digest,
            features_digest=self.features.digest,
            code_digest=self.features.code_digest,
            parameters_digest=self.model.parameters_digest,
            environment_digest=self.model.conditions.environment_digest,
            model_digest=self.model.digest,
            evaluation_digest=self.evaluation.digest,
            git_commit=self.model.conditions.git_commit,
        )


def measure_completeness(store: ArtefactStore, ingredients: Ingredients) -> Measurement:
    """Measure whether a version is complete: every digest known, every artefact there, each of the one before."""
    flaws = list(_flaws(store, ingredients))
    facts = {"flaws": "; ".join(flaws)} if flaws else {}
    count = len(fields(ingredients.candidate))
    return Measurement(metric="version_complete", value=float(not flaws), n=count, unit="fact", facts=facts)


def measure_size(store: ArtefactStore, model: ModelRecord) -> Measurement:
    """Measure the size of the model artefact in bytes."""
    if not store.has("models", model.digest):
        reason = "the model isn't in the store"
        return Measurement(metric="artefact_size_bytes", value=None, n=0, unit="bytes", reason=reason)
    sizes = [path.stat().st_size for path in store.folder("models", model.digest).iterdir()]
    return Measurement(metric="artefact_size_bytes", value=sum(sizes), n=len(sizes), unit="bytes")


def _flaws(store: ArtefactStore, parts: Ingredients) -> Iterator[str]:
    candidate = parts.candidate
    yield from (f"{each.name} is unknown" for each in fields(candidate) if not getattr(candidate, each.name))
    kept = {
        "snapshots": parts.snapshot.digest,
        "splits": parts.split.digest,
        "features": parts.features.digest,
        "models": parts.model.digest,
        "evaluations": parts.evaluation.digest,
    }
    yield from (f"{kind}/{digest} isn't in the store" for kind, digest in kept.items() if not store.has(kind, digest))
    links = {
        "the snapshot was taken from another source": (parts.snapshot.source_digest, parts.source.digest),
        "the split is of another snapshot": (parts.split.snapshot_digest, parts.snapshot.digest),
        "the features are of another snapshot": (parts.features.snapshot_digest, parts.snapshot.digest),
        "the features are of another split": (parts.features.split_digest, parts.split.digest),
        "the model learned from other features": (parts.model.features_digest, parts.features.digest),
        "another model was evaluated": (parts.evaluation.model_digest, parts.model.digest),
        "it was evaluated on another split": (parts.evaluation.split_digest, parts.split.digest),
    }
    yield from (flaw for flaw, (seen, needed) in links.items() if seen != needed)
    if not parts.model.run_id:
        yield "the training run isn't tracked"
