"""The page on serving tells of every path, format, status and limit that the service has."""

from __future__ import annotations

import re

from ml_platform.serving.body import BODY_SECONDS, MAXIMUM_BODY_BYTES
from ml_platform.serving.connections import HEAD_BYTES, HEAD_SECONDS
from ml_platform.serving.openapi import document
from ml_platform.serving.request import FORMATS, MAXIMUM_ROWS
from ml_platform_tests.docs.pages import DOCS, ROOT, words

PAGE = DOCS / "serving.md"
GONE_AWAY = "499"  # nobody is left to read it


def test_every_path_is_told() -> None:
    paths = document("flights", None)["paths"]
    assert isinstance(paths, dict)
    told = {word for entry in words(PAGE) for word in entry.split() if word.startswith("/")}
    assert {*paths, "/docs", "/openapi.json"} <= told


def test_every_format_is_told() -> None:
    assert set(FORMATS) <= set(words(PAGE))


def test_every_status_is_told() -> None:
    sources = [*(ROOT / "ml_platform" / "serving").glob("*.py"), ROOT / "ml_platform" / "access" / "service_gate.py"]
    form = r"(?:(?:Refused|Reply|_refuse)\(|\bstatus=)(\d{3})"
    given = {status for path in sources for status in re.findall(form, path.read_text())}
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert given - {GONE_AWAY, "200"} == {status for row in rows for status in row.split(", ")}


def test_the_limits_are_those_that_are_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"{MAXIMUM_BODY_BYTES >> 20} MB and {MAXIMUM_ROWS:,} rows" in text
    assert f"didn't arrive in {BODY_SECONDS:g} seconds, or its head in {HEAD_SECONDS:g}" in text
    assert f"{HEAD_BYTES >> 10} KB" in text
