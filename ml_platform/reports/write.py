"""Write a report: HTML for people, Markdown for reviews, JSON for programs, under the digest of what they say."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.improvement import Improvement
from ml_platform.core.measured import Measured
from ml_platform.core.mitigation import MitigationRecord
from ml_platform.core.records import DeploymentRecord, EvaluationRecord, ModelRecord, ReportRecord
from ml_platform.core.verdict import Verdict
from ml_platform.reports.content import read_content
from ml_platform.reports.html import html_page
from ml_platform.reports.report_json import json_bytes
from ml_platform.reports.report_markdown import markdown_page

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.policy.resolve import Policy
    from ml_platform.policy.spec import ModelSpec

KIND = "reports"
FILES = {"html": "report.html", "md": "report.md", "json": "report.json"}


def write_report(
    *,
    spec: ModelSpec,
    store: ArtefactStore,
    evaluation: EvaluationRecord,
    model: ModelRecord,
    verdicts: Sequence[Verdict],
    live: DeploymentRecord | None,
    rows: Mapping[str, int],
    now: dt.datetime,
    policy: Policy | None = None,
    mitigation: MitigationRecord | None = None,
    improvement: Improvement | None = None,
) -> Measured[ReportRecord]:
    """Write the report of an evaluation; the same content again is the report that is there already.

    `verdicts` are those of all stages so far, `rows` the sizes of the parts. With `policy`, the one they were judged
    under, limits are drawn, gates say why they are there, and a gate that never spoke is missed. Raises DataInvalid
    when the records aren't of one model or the evaluation can't be read.
    """
    content = read_content(
        spec=spec, store=store, evaluation=evaluation, model=model, verdicts=verdicts, live=live, rows=rows,
        policy=policy, mitigation=mitigation, improvement=improvement,
    )  # fmt: skip
    told = json_bytes(content)
    drawn = policy.digest if policy else ""
    digest = digest_of({"content": digest_of_bytes(told), "policy": drawn, "drawing": drawing_digest()})
    record = ReportRecord(
        model=spec.model,
        digest=digest,
        evaluation_digest=evaluation.digest,
        files={form: f"{KIND}/{digest}/{name}" for form, name in FILES.items()},
    )
    if store.has(KIND, digest):
        return Measured(record=record, measurements=(), unchanged=True)
    pages = {
        FILES["html"]: html_page(content, now=now).encode(),
        FILES["md"]: markdown_page(content, now=now).encode(),
        FILES["json"]: told,
    }
    return Measured(record=record, measurements=(), unchanged=not store.put(KIND, digest, pages))


@functools.cache
def drawing_digest() -> str:
    """Return the digest of the code and the templates that draw reports: a new look is a new report."""
    folder = Path(__file__).parent
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in {".py", ".j2", ".css"}]
    return digest_of({path.relative_to(folder).as_posix(): digest_of_bytes(path.read_bytes()) for path in paths})
