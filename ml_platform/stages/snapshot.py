"""Snapshot: the accepted rows of a source as an immutable table named by its content."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.core.compared import COMPARED
from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import QuarantineRecord, SnapshotRecord, SourceFingerprint
from ml_platform.learners.workers import open_workers
from ml_platform.policy.spec import PersonalData
from ml_platform.sources.kept import Past
from ml_platform.sources.read import require_same
from ml_platform.sources.read_source import keep_read, measure_read, read_source
from ml_platform.stages.assemble import assemble, times_of
from ml_platform.stages.compared_columns import keep_compared
from ml_platform.stages.content_digest import content_digest
from ml_platform.stages.contract import Checked, check_contract, contract_digest
from ml_platform.stages.inspect_new_rows import inspect_new_rows
from ml_platform.stages.learn_from_feedback import Learned, accepted_tail, add_feedback
from ml_platform.stages.parquet import parquet_bytes, read_parquet
from ml_platform.stages.personal_data import looks_personal, undeclared
from ml_platform.stages.profile import profile
from ml_platform.stages.pseudonymise import pseudonymise, stored_types, without_erased
from ml_platform.stages.quarantine import put_aside
from ml_platform.stages.sketches import sketch
from ml_platform.stages.snapshot_measurements import measure_snapshot, read_profile

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore, Memory
    from ml_platform.core.vault import Vault
    from ml_platform.policy.spec import ModelSpec

KIND = "snapshots"
_MOST_RULES_SAID = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """What one reading of the source gave: the accepted rows and the refused ones."""

    snapshot: Measured[SnapshotRecord]
    quarantine: Measured[QuarantineRecord]


def take_snapshot(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    source: SourceFingerprint,
    as_of: dt.datetime | None,
    reference: SnapshotRecord | None,
    now: dt.datetime,
    memory: Memory | None = None,
    vault: Vault | None = None,
    feedback: Learned | None = None,
) -> SnapshotTaken:
    """Read the source, check the contract and store accepted and refused rows under the digests of their content.

    What names a person is stored as a token only, its original in the vault; rows of erased persons are left out.
    Rows of `feedback` stand behind the source's, as far as the model file allows. A model with a time column sees only
    rows earlier than `as_of` (default: the source's own). With a reference snapshot the shift of each used column is
    measured too. With a memory, of incremental tables only what is new is read. Raises DataInvalid when the source
    changed since it was fingerprinted and when no row is left, Unavailable when the engine that checks and describes is
    lost; nothing is stored then.
    """
    as_of = (as_of or spec.source.as_of) if spec.time else None
    past = Past(store, memory) if memory is not None else None
    read = read_source(spec, source, past=past, now=now)
    frame = assemble(spec, before=as_of, raw=read.frames)
    require_same(spec, source, now=now, memory=memory)
    of_source = len(frame)
    frame = add_feedback(spec, frame, feedback, before=as_of)
    types = stored_types(spec)
    with open_workers(spec.compute) as workers:
        checked = check_contract(spec, frame, workers=workers)
        told = accepted_tail(spec, checked, of_source, vault)
        checked, erased = without_erased(spec, checked, vault)
        checked = pseudonymise(spec, checked, vault)
        _require_rows(spec, checked, as_of)
        accepted = checked.accepted
        digest = content_digest(accepted, types)
        unchanged = store.has(KIND, digest)
        described = profile(spec, accepted, workers=workers)
        sketched = None if unchanged else sketch(spec, accepted, workers=workers)
    quarantine = put_aside(spec, checked, store=store)
    record = SnapshotRecord(
        model=spec.model,
        digest=digest,
        rows=len(accepted),
        columns=tuple(types),
        source_digest=source.digest,
        contract_digest=contract_digest(spec),
        as_of=as_of,
        feedback_rows=told,
        feedback_digest=feedback.digest if feedback and told else "",
    )
    before = read_profile(store, reference) if reference else None
    suspects = undeclared(spec, frame)
    measured = measure_snapshot(spec, checked, accepted, described, reference=before, frame=frame, suspects=suspects)
    measurements = (
        *told_beside(measured, rows_erased=erased, rows_from_feedback=told),
        *measure_read(read),
        *(_inspect(spec, store, reference, accepted, suspects) if reference else ()),
    )
    if past is not None:
        known = [name for name, finding in suspects.items() if finding.blocks]
        personal = [name for name in read.parts if _is_personal(spec, read.frames[name], known)]
        keep_read(spec, read, past=past, without=personal)
    if sketched is not None:
        manifest = {"record": record, "types": types, "taken_at": now}
        files = {
            "data.parquet": parquet_bytes(accepted),
            "manifest.json": canonical_json(manifest).encode(),
            "profile.json": canonical_json(described).encode(),
            "sketches.json": canonical_json(sketched).encode(),
        }
        unchanged = not store.put(KIND, digest, files)
    return SnapshotTaken(
        snapshot=Measured(record=record, measurements=measurements, unchanged=unchanged), quarantine=quarantine
    )


def _inspect(
    spec: ModelSpec,
    store: ArtefactStore,
    reference: SnapshotRecord,
    accepted: pd.DataFrame,
    suspects: Collection[str],
) -> tuple[Measurement, ...]:
    """Inspect the new rows; the first measurement names what is stored of the columns that findings name."""
    before = read_rows(spec, store, reference)
    found = inspect_new_rows(spec, before, accepted, reference.as_of, suspects=suspects)
    if found.compared is None:
        return found.measurements
    first, *others = found.measurements
    named = {COMPARED: keep_compared(store, found.compared)}
    return (replace(first, facts={**first.facts, **named}), *others)


def read_rows(spec: ModelSpec, store: ArtefactStore, snapshot: SnapshotRecord) -> pd.DataFrame:
    """Return a snapshot's rows in canonical types; DataInvalid when it is another model's or was altered."""
    if snapshot.model != spec.model:
        message = f"{spec.model}: snapshot {snapshot.digest} is of the model {snapshot.model}; take one of {spec.model}"
        raise DataInvalid(message)
    return read_parquet(store.open(KIND, snapshot.digest, "data.parquet"))


def stored_snapshot(store: ArtefactStore, digest: str) -> SnapshotRecord:
    """Return the record of a stored snapshot; raises DataInvalid when it isn't one that this version knows."""
    import msgspec

    try:
        manifest = msgspec.json.decode(store.read(KIND, digest, "manifest.json"))
        return msgspec.convert(manifest["record"], SnapshotRecord)
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        message = (
            f"snapshot {digest}: its manifest is none as this version of the platform knows it ({error}); another "
            "version wrote it; release with the version that wrote it, or begin a new home (ML_PLATFORM_HOME)"
        )
        raise DataInvalid(message) from error


def rows_after(spec: ModelSpec, start: dt.datetime, end: dt.datetime) -> pd.DataFrame:
    """Read the source's accepted rows with start <= time < end, oldest first; no rows give an empty frame."""
    if spec.time is None:
        message = f"{spec.model}: has no time column; rows after {start} can't be told; give one column the role time"
        raise DataInvalid(message)
    frame = assemble(spec, before=end)
    later = frame[(times_of(spec, frame) >= start).to_numpy()].reset_index(drop=True)
    accepted = check_contract(spec, later).accepted
    return accepted.sort_values(spec.time, kind="stable", ignore_index=True)


def _is_personal(spec: ModelSpec, frame: pd.DataFrame, known: Collection[str]) -> bool:
    """Say whether a table may not be kept as it was read: it names persons, declared or not.

    Columns `known` to look personal settle it; else the table is looked at itself, because assembling may have changed
    or dropped a column, and rows later than the snapshot's were read too.
    """
    declared = any(spec.contract[name].personal_data is PersonalData.DIRECT for name in frame if name in spec.contract)
    return declared or any(name in known for name in frame.columns) or bool(looks_personal(spec, frame))


def told_beside(measurements: tuple[Measurement, ...], **counts: int) -> tuple[Measurement, ...]:
    """Say beside the row count how many rows were left out because their persons were erased, or are from feedback."""
    said = {name: count for name, count in counts.items() if count}
    return tuple(
        replace(one, facts={**one.facts, **said}) if said and one.metric == "row_count" else one for one in measurements
    )


def _require_rows(spec: ModelSpec, checked: Checked, as_of: dt.datetime | None) -> None:
    if len(checked.frame) == 0:
        cut = f" before {as_of.isoformat()}" if as_of else ""
        message = f"{spec.model}: the source has no rows{cut}; rows are needed; correct the source or `source.as_of`"
        raise DataInvalid(message)
    if checked.refused.all():
        worst = sorted(checked.broken.items(), key=lambda item: -item[1])[:_MOST_RULES_SAID]
        seen = ", ".join(f"{rule} ({count:,} rows)" for rule, count in worst)
        message = (
            f"{spec.model}: all {len(checked.frame):,} rows break the contract: {seen}; rows that keep to it are "
            "needed; correct the source or the contract"
        )
        raise DataInvalid(message)
