"""Taking a snapshot: the same source is not read twice, and the shift is measured against the right reference."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import FeedbackRecord, QuarantineRecord, SnapshotRecord
from ml_platform.orchestration.records import keep_record, read_record
from ml_platform.orchestration.run_stage import Judged, Task, judged, recall, remember
from ml_platform.stages.retraining import REQUESTED

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.learn_from_feedback import Learned
    from ml_platform.stages.snapshot import SnapshotTaken

SHIFT = "snapshot_psi"
INSPECTED = "batch_schema_breaks"


def moment(text: str | None, spec: ModelSpec) -> dt.datetime | None:
    """Return the moment before which rows count: the one asked for, in UTC, or else the model file's own."""
    if text is None:
        return spec.source.as_of
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{spec.model}: as_of is {text!r}; a time is needed; write it like 2013-09-01 or 2013-09-01T00:00:00Z"
        raise DataInvalid(message) from error
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def note_request(
    desk: Desk, cause: str, as_of: dt.datetime, *, reason: str = "", changed_since: dt.datetime | None = None
) -> None:
    """Write down that retraining for a cause has begun: it is not asked for again, and the cool-down counts from it.

    `changed_since` is since when the world seems to be another one, where that is the cause.
    """
    last = desk.platform.ledger.last(REQUESTED, subject=desk.model)
    if last is None or last.payload.get("cause") != cause:
        payload = {"cause": cause, "as_of": as_of.isoformat(), "run_id": desk.run_id, "reason": reason}
        payload |= {"changed_since": changed_since.isoformat()} if changed_since else {}
        desk.platform.ledger.append(REQUESTED, actor=desk.actor, subject=desk.model, payload=payload, at=desk.now)


def take_judged(desk: Desk, as_of: dt.datetime | None) -> tuple[Judged[SnapshotRecord], Judged[QuarantineRecord]]:
    """Return accepted and refused rows of the source as it is now, judged; verdicts on both are about the snapshot."""
    taken = _take(desk, as_of)
    rows, refused = taken.snapshot, taken.quarantine
    measured = {one.metric for one in rows.measurements}
    subject, compared, new_rows = rows.record.digest, SHIFT in measured, INSPECTED in measured
    return (
        judged(desk, "snapshot", rows, subject=subject, reference=compared, new_rows=new_rows),
        judged(desk, "quarantine", refused, subject=subject, reference=compared),
    )


def _take(desk: Desk, as_of: dt.datetime | None) -> SnapshotTaken:
    """Recall or take the snapshot.

    One that *is* the reference keeps what was measured when it was new: compared with itself it would say nothing.
    """
    from ml_platform.sources.read import fingerprint
    from ml_platform.stages.snapshot import take_snapshot

    source = fingerprint(desk.spec, now=desk.now, memory=desk.platform.memory).record
    keep_record(desk.platform.home, (desk.model, "source"), source)
    reference = reference_snapshot(desk)
    erased = sorted(desk.platform.vault.forgotten(desk.model))
    feedback = learned_feedback(desk)
    alone = {
        "source": source.digest, "as_of": as_of, **({"erased": digest_of(erased)} if erased else {}),
        **({"feedback": feedback.digest} if feedback else {}),
    }  # fmt: skip
    compared = {**alone, "reference": reference.digest if reference else ""}
    known = _recall(desk, compared)
    if known is None and reference is not None:
        known = _recall(desk, alone)
        known = known if known and known.snapshot.record.digest == reference.digest else None
    if known is not None:
        return known
    taken = take_snapshot(
        desk.spec,
        store=desk.platform.store,
        vault=desk.platform.vault,
        source=source,
        as_of=as_of,
        reference=reference,
        now=desk.now,
        memory=desk.platform.memory,
        feedback=feedback,
    )
    for inputs in (compared, alone):
        remember(desk, _rows(inputs), taken.snapshot)
        remember(desk, _refused(inputs), taken.quarantine)
    return taken


def learned_feedback(desk: Desk) -> Learned | None:
    """Return the newest accepted feedback if the model file asks for it; none that a gate of this policy stopped."""
    from ml_platform.stages.learn_from_feedback import read_learned

    record = read_record(desk.platform.home, (desk.model, "feedback"), FeedbackRecord)
    if desk.spec.feedback is None or record is None or not record.accepted_digest:
        return None
    part = desk.platform.ledger.part(desk.model, "feedback", record.digest, desk.policy.digest)
    closed = [one.gate for one in part.verdicts if one.closes] if part else ["no verdict under this policy"]
    if closed:
        desk.say(f"feedback isn't learned from: {', '.join(closed)}; run the job {desk.model}_feedback again")
        return None
    return read_learned(desk.platform.store, record.accepted_digest)


def reference_snapshot(desk: Desk) -> SnapshotRecord | None:
    """Return the snapshot that the live version was trained on, or else the newest version's; None before the first."""
    from ml_platform.stages.snapshot import stored_snapshot

    releases = desk.platform.ledger.releases(desk.model)
    release = desk.champion() or (releases[-1] if releases else None)
    store = desk.platform.store
    if release is None or not store.has("snapshots", release.candidate.snapshot_digest):
        return None
    return stored_snapshot(store, release.candidate.snapshot_digest)


def _recall(desk: Desk, inputs: dict[str, Any]) -> SnapshotTaken | None:
    from ml_platform.stages.snapshot import SnapshotTaken

    rows, refused = recall(desk, _rows(inputs)), recall(desk, _refused(inputs))
    return SnapshotTaken(snapshot=rows, quarantine=refused) if rows and refused else None


def _rows(inputs: dict[str, Any]) -> Task[SnapshotRecord]:
    return Task(stage="snapshot", inputs=inputs, kind="snapshots", record_type=SnapshotRecord)


def _refused(inputs: dict[str, Any]) -> Task[QuarantineRecord]:
    return Task(stage="quarantine", inputs=inputs, kind="quarantine", record_type=QuarantineRecord)
