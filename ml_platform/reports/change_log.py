"""A change log as Markdown, for people and for the release's page in the UI."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.core.change_log import ChangeLog
from ml_platform.reports.explanation import interval_text
from ml_platform.reports.markdown import cell, table
from ml_platform.reports.plain_text import one_line

_LONGEST = 300


def change_log_markdown(log: ChangeLog) -> str:
    """Return the whole log as Markdown."""
    return "\n".join(_lines(log)) + "\n"


def _lines(log: ChangeLog) -> Iterator[str]:
    against = f", against v{log.since}" if log.since is not None else ""
    yield f"# {log.model} v{log.version}{against}"
    yield ""
    yield f"Built from recorded evidence ({log.evidence_digest[:12]}) alone."
    missing = dict.fromkeys(line for topic in log.topics for line in topic.missing)
    for topic in log.topics:
        yield ""
        yield f"## {topic.topic.capitalize()}"
        yield ""
        if topic.topic == "effect" and log.gains:
            yield from _gains(log)
            yield ""
        yield from (f"- {cell(one_line(line, _LONGEST))}" for line in topic.changes)
        if not topic.changes and not (topic.topic == "effect" and log.gains):
            yield "- no difference on record"
    if missing:
        yield ""
        yield "## Missing"
        yield ""
        yield from (f"- {cell(one_line(line, _LONGEST))}" for line in missing)


def _gains(log: ChangeLog) -> Iterator[str]:
    rows = [
        (
            one.subject or one.metric,
            f"undefined: {one.reason}" if one.value is None else f"{one.value:+.4g}",
            interval_text(one),
            f"{one.n:,}",
        )
        for one in log.gains
    ]
    yield f"Paired, on the same rows; above 0 v{log.version} is better than v{log.since}."
    yield ""
    yield table(("gain in", "gain", "interval", "rows"), rows)
