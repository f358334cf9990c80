"""Reporting: the report on a candidate, with the verdicts of every stage so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.mitigation import MitigationRecord
from ml_platform.core.records import (
    EvaluationRecord,
    FeaturesRecord,
    ModelRecord,
    ReportRecord,
    SnapshotRecord,
    SplitRecord,
)
from ml_platform.orchestration.improving import improvement_of
from ml_platform.orchestration.records import read_record
from ml_platform.orchestration.run_stage import Judged, Task, recall_or_work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.core.verdict import Verdict
    from ml_platform.orchestration.desk import Desk


def report_on(
    desk: Desk,
    *,
    split: SplitRecord,
    features: FeaturesRecord,
    model: ModelRecord,
    evaluation: Judged[EvaluationRecord],
    mitigation: MitigationRecord | None = None,
) -> Measured[ReportRecord]:
    """Write the report of an evaluation; one on the same outcomes is recalled, whatever a second later changed in it.

    What only grows with the time, such as the source's age, is no reason to write it anew.
    """
    from ml_platform.reports.write import KIND, drawing_digest, write_report

    subjects = _subjects(desk, split) | {"split": split.digest, "features": features.digest, "model": model.digest}
    verdicts = [*_verdicts(desk, subjects), *evaluation.verdicts]
    live = desk.platform.ledger.live(desk.model, "production")
    inputs = {
        "evaluation": evaluation.record.digest,
        "policy": desk.policy.digest,
        "outcomes": [(verdict.gate, verdict.outcome) for verdict in verdicts],
        "live": live.version if live else None,
        "drawing": drawing_digest(),
        **({"mitigation": mitigation.digest} if mitigation else {}),
    }
    improvement = improvement_of(desk.platform, desk.spec, evaluation.record.digest)
    inputs["improvement"] = digest_of(improvement)
    task = Task(stage="report", inputs=inputs, kind=KIND, record_type=ReportRecord)
    return recall_or_work(
        desk,
        task,
        lambda: write_report(
            spec=desk.spec,
            store=desk.platform.store,
            evaluation=evaluation.record,
            model=model,
            verdicts=verdicts,
            live=live,
            rows=split.rows,
            now=desk.now,
            policy=desk.policy,
            mitigation=mitigation,
            improvement=improvement,
        ),
    )


def _subjects(desk: Desk, split: SplitRecord) -> dict[str, str]:
    """Return what the verdicts on the data are about."""
    found = {"snapshot": split.snapshot_digest, "quarantine": split.snapshot_digest}
    snapshot = read_record(desk.platform.home, (desk.model, "snapshot"), SnapshotRecord, split.snapshot_digest)
    return {"source": snapshot.source_digest, **found} if snapshot else found


def _verdicts(desk: Desk, subjects: dict[str, str]) -> Iterator[Verdict]:
    for stage, subject in subjects.items():
        part = desk.platform.ledger.part(desk.model, stage, subject, desk.policy.digest)
        yield from part.verdicts if part else ()
