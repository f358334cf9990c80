"""What came: what the live version was made from, and what has come since, by records alone; no data is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.records import SourceFingerprint, SplitRecord, WindowRecord
from ml_platform.orchestration.records import read_partitions, read_record
from ml_platform.stages.expected_gain import Came
from ml_platform.stages.retraining_reasons import Made

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.adapters.platform import Platform
    from ml_platform.core.records import DeploymentRecord, ReleaseRecord, SnapshotRecord
    from ml_platform.policy.spec import ModelSpec

CURVE, LAST = "loss_saved_by_next_doubling", "loss_saved_by_last_doubling"


def made_of(spec: ModelSpec, platform: Platform, live: DeploymentRecord) -> Made | None:
    """Return what a live version was made from; None when its release isn't known."""
    from ml_platform.stages.split import training_span

    release = platform.ledger.release(live.model, live.version)
    if release is None:
        return None
    snapshot = _snapshot(platform, release)
    as_of = snapshot.as_of if snapshot else None
    start, until = training_span(spec.split, as_of) if as_of else (None, None)
    return Made(
        digests={
            "features": release.candidate.code_digest,
            "parameters": release.candidate.parameters_digest,
            "policy": release.policy_digest,
        },
        as_of=as_of,
        learned_from=start,
        learned_until=until,
    )


def what_came(spec: ModelSpec, platform: Platform, live: DeploymentRecord) -> Came | None:
    """Return the rows with outcomes of the windows since a version's rows end, and by how many its source grew.

    The source is the one that was looked at last, by a run or by the automation of `source`. Its rows are told by its
    size. None when it isn't known what the version was made from.
    """
    from ml_platform.policy.spec import EntitySplit
    from ml_platform.stages.reference import holdout_measurements

    release = platform.ledger.release(live.model, live.version)
    snapshot = _snapshot(platform, release) if release else None
    if release is None or snapshot is None:
        return None
    try:
        found = {one.metric: one for one in holdout_measurements(platform.store, release)}
    except (DataInvalid, Unavailable):
        return None
    split = read_record(platform.home, (spec.model, "split"), SplitRecord, release.candidate.split_digest)
    drawn = found[LAST].facts.get("rows") if LAST in found else None
    return Came(
        trained=split.rows.get("train", 0) if split else 0,
        doubling=found.get(CURVE),
        curve_rows=drawn if isinstance(drawn, int) else 0,
        labelled=labelled_since(platform.home, snapshot),
        grown=grown_rows(platform.home, snapshot),
        share=spec.split.train if isinstance(spec.split, EntitySplit) else 1.0,
    )


def _snapshot(platform: Platform, release: ReleaseRecord) -> SnapshotRecord | None:
    from ml_platform.stages.snapshot import stored_snapshot

    store, digest = platform.store, release.candidate.snapshot_digest
    return stored_snapshot(store, digest) if store.has("snapshots", digest) else None


def labelled_since(home: Path, snapshot: SnapshotRecord) -> int:
    """Return how many predictions have an outcome, of the windows that began after a snapshot's rows end."""
    from ml_platform.stages.periods import kind_of, period_named

    windows = read_partitions(home, (snapshot.model, "traffic"), WindowRecord)
    as_of = snapshot.as_of
    if as_of is None:
        return 0
    since = [one for one in windows if period_named(kind_of(one.window), one.window).start >= as_of]
    return sum(one.labelled for one in since)


def grown_rows(home: Path, snapshot: SnapshotRecord) -> int | None:
    """Return how many rows more the source seems to hold than when the snapshot was taken; None if that isn't told."""
    key = (snapshot.model, "source")
    now = read_record(home, key, SourceFingerprint)
    if now is None or now.digest == snapshot.source_digest:
        return 0
    then = read_record(home, key, SourceFingerprint, snapshot.source_digest)
    if (
        then is None
        or then.size_bytes <= 0
        or any("size" in facts for facts in (*then.facts.values(), *now.facts.values()))
    ):
        return None
    return max(int(snapshot.rows * (now.size_bytes / then.size_bytes - 1)), 0)
