"""Testing code: a features module is tried once for each code, test and contract, and its record is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.code_tests import CodeTestsRecord, Tried
from ml_platform.core.measured import Measured
from ml_platform.orchestration.run_stage import Task, recall, remember

if TYPE_CHECKING:
    from ml_platform.core.records import SnapshotRecord, SplitRecord
    from ml_platform.orchestration.desk import Desk

JUNIT = "code_tests.xml"
PROVEN = frozenset({Tried.PASSED, Tried.NOT_APPLICABLE})


def code_tests_of(desk: Desk, snapshot: SnapshotRecord, split: SplitRecord) -> CodeTestsRecord:
    """Return the record of tests of exactly this code, with its JUnit file beside the reports.

    Only a record in which everything holds is remembered: the rest may have been the machine's fault, or the network's.
    Raises DataInvalid when the code blocks or ends its process.
    """
    from ml_platform.stages.code_tests.try_code import KIND, require_harmless, try_code, what_decides

    task = Task(stage="code_tests", inputs=what_decides(desk.spec), kind=KIND, record_type=CodeTestsRecord)
    known = recall(desk, task)
    if known is not None:
        return known.record
    record = try_code(desk.spec, store=desk.platform.store, snapshot=snapshot, split=split)
    if all(test.outcome in PROVEN for test in record.tests):
        remember(desk, task, Measured(record=record, measurements=()))
    _write_junit(desk, record)
    require_harmless(desk.model, record)
    return record


def junit_path(desk: Desk, record: CodeTestsRecord) -> Path:
    """Return where the JUnit file of a record lies."""
    from ml_platform.reports.write import KIND

    return desk.platform.home / KIND / record.digest / JUNIT


def _write_junit(desk: Desk, record: CodeTestsRecord) -> None:
    from ml_platform.reports.code_junit import code_junit_xml
    from ml_platform.reports.write import KIND

    desk.platform.store.put(KIND, record.digest, {JUNIT: code_junit_xml(record).encode()})
