"""Verdicts as JUnit XML, the form in which CI systems show tests: one suite per stage, one case per gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.reports.explanation import explanation, seen
from ml_platform.reports.outcomes import by_stage, word
from ml_platform.reports.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable


def junit_xml(model: str, verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as a JUnit file.

    A failed gate that blocks is a failure, an undecided one an error; one that only warns passes and says so in its
    output; a waived one and one that doesn't apply are skipped, with the reason.
    """
    root = Element("testsuites", {"name": one_line(model), **_counts(verdicts)})
    for stage, found in by_stage(verdicts).items():
        suite = SubElement(root, "testsuite", {"name": one_line(f"{model}.{stage}"), **_counts(found)})
        for verdict in found:
            _case(suite, model, verdict)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counts(verdicts: Sequence[Verdict]) -> dict[str, str]:
    tags = [_tag(verdict) for verdict in verdicts]
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(tags))} | {name: str(tags.count(tag)) for name, tag in counted.items()}


def _tag(verdict: Verdict) -> str:
    if verdict.outcome in {Outcome.WAIVED, Outcome.NOT_APPLICABLE}:
        return "skipped"
    if verdict.outcome is Outcome.PASSED:
        return ""
    if not verdict.closes:
        return "system-out"
    return "error" if verdict.outcome is Outcome.UNDECIDED else "failure"


def _case(suite: Element, model: str, verdict: Verdict) -> None:
    case = SubElement(suite, "testcase", name=one_line(verdict.gate), classname=one_line(f"{model}.{verdict.stage}"))
    tag = _tag(verdict)
    if tag in {"failure", "error"}:
        found = SubElement(case, tag, message=one_line(verdict.reason), type=one_line(verdict.control))
        found.text = "\n".join(_told(verdict))
    elif tag == "skipped":
        SubElement(case, tag, message=one_line(f"{word(verdict.outcome)}: {verdict.reason}"))
    elif tag:
        SubElement(case, tag).text = "\n".join([f"{word(verdict.outcome)}, but only warns", *_told(verdict)])


def _told(verdict: Verdict) -> Iterable[str]:
    told = {
        "seen": seen(verdict.worst) if verdict.worst else "nothing was measured",
        "needed": verdict.limit,
        "why": explanation(verdict),
        "do": verdict.next_step,
        "control": verdict.control,
        "policy": verdict.policy_digest,
    }
    return (f"{name}: {one_line(text)}" for name, text in told.items() if text)
