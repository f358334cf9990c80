"""Tests of a features module as JUnit XML: one suite for the platform's, one for the team's."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ml_platform.core.code_tests import By, CodeTest, CodeTestsRecord, Tried
from ml_platform.reports.plain_text import one_line

_TAGS = {Tried.FAILED: "failure", Tried.UNTRIED: "error", Tried.NOT_APPLICABLE: "skipped"}


def code_junit_xml(record: CodeTestsRecord) -> str:
    """Return the record as a JUnit file; what couldn't be tried is an error, what doesn't apply is skipped."""
    root = Element("testsuites", {"name": one_line(f"{record.model} code"), **_counts(record.tests)})
    for author in By:
        tests = record.by(author)
        if tests:
            name = one_line(f"{record.model}.{author}")
            suite = SubElement(root, "testsuite", {"name": name, **_counts(tests)})
            properties = SubElement(suite, "properties")
            SubElement(properties, "property", name="code digest", value=record.code_digest)
            for test in tests:
                _case(suite, name, test)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counts(tests: Sequence[CodeTest]) -> dict[str, str]:
    tags = [_TAGS.get(test.outcome, "") for test in tests]
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(tests))} | {name: str(tags.count(tag)) for name, tag in counted.items()}


def _case(suite: Element, classname: str, test: CodeTest) -> None:
    case = SubElement(suite, "testcase", name=one_line(test.name), classname=classname)
    tag = _TAGS.get(test.outcome)
    if tag:
        found = SubElement(case, tag, message=one_line(test.reason))
        found.text = one_line(test.next_step) or None
