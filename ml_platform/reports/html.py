"""The report as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.digest import short
from ml_platform.reports import mitigation
from ml_platform.reports.against_live import live_sections
from ml_platform.reports.class_rows import HEADS as CLASS_HEADS
from ml_platform.reports.class_rows import class_rows
from ml_platform.reports.compared_plot import compared_figures
from ml_platform.reports.conditions import conditions
from ml_platform.reports.decision import decide
from ml_platform.reports.expectation_rows import HEADS as EXPECTATION_HEADS
from ml_platform.reports.expectation_rows import expectation_rows
from ml_platform.reports.explanation import interval_text
from ml_platform.reports.figures import curve_figures
from ml_platform.reports.findings import HEADS, MOST_ROWS, FindingRow, finding_rows
from ml_platform.reports.gate_rows import LONGEST_SUBJECT, gate_row, shown_unit, shown_value, stage_rows
from ml_platform.reports.group_figures import group_figures
from ml_platform.reports.how_sure import luck_line, weakest_line
from ml_platform.reports.measured_rows import MeasuredRows
from ml_platform.reports.outcomes import tally
from ml_platform.reports.plain_text import is_digest, one_line
from ml_platform.reports.probe_section import HEADS as PROBE_HEADS
from ml_platform.reports.probe_sections import probe_sections
from ml_platform.reports.slice_figures import slice_figures
from ml_platform.reports.summary import compared_with_live, tiles, what_comes_next
from ml_platform.reports.what_moves import FEATURE_HEADS, NOTE, TITLE, WHAT_MOVES, what_moves

if TYPE_CHECKING:
    import jinja2

    from ml_platform.reports.content import Content

TEMPLATES = Path(__file__).parent / "templates"


def html_page(content: Content, *, now: dt.datetime) -> str:
    """Return the page; whatever comes from data is escaped."""
    measured = MeasuredRows(content)
    decision = decide(content.verdicts, content.policy)
    stages = stage_rows(content, measured)
    findings, classes = _findings(content), class_rows(content, measured)
    expectations, probes = expectation_rows(content, measured), probe_sections(content, measured)
    moves, against = what_moves(content, measured), live_sections(content, measured)
    chapters = {
        "gates": ("Gates", True),
        **{section.name: (section.title, True) for section in against},
        "findings": ("What new rows showed", findings),
        "classes": ("Each class", classes),
        "mitigation": (mitigation.TITLE, content.mitigation),
        "expectations": ("What was expected of it", expectations),
        WHAT_MOVES: (TITLE, moves),
        **{section.name: (section.title, True) for section in probes},
        "plots": ("Plots", True),
        "measurements": ("Measurements", True),
        "conditions": ("Conditions", True),
    }
    return page_environment().get_template("report.html.j2").render(
        contents={name: title for name, (title, shown) in chapters.items() if shown},
        spec=content.spec,
        model=content.model,
        evaluation=content.evaluation,
        now=now.astimezone(dt.UTC),
        decision=decision,
        closed=[gate_row(verdict, content, measured) for verdict in decision.closed],
        warned=[gate_row(verdict, content, measured) for verdict in decision.warned],
        tiles=tiles(content, measured),
        compared=compared_with_live(content),
        next=what_comes_next(content, decision),
        luck=luck_line(content),
        weakest=weakest_line(content),
        stages=stages,
        bars=any(row.bar for stage in stages for row in stage.rows),
        tally=tally(content.verdicts),
        left_out=content.left_out,
        finding_heads=HEADS,
        findings=findings,
        compared_columns=compared_figures(content),
        class_heads=CLASS_HEADS,
        classes=classes,
        mitigation=mitigation.mitigation_rows(content.mitigation),
        mitigation_title=mitigation.TITLE,
        mitigation_heads=mitigation.mitigation_heads(content.mitigation),
        mitigation_reading=mitigation.READING,
        mitigation_limits=mitigation.limits_text(content.mitigation.limits) if content.mitigation else "",
        mitigation_words=mitigation.mitigation_words(content.mitigation),
        expectation_heads=EXPECTATION_HEADS,
        expectations=expectations,
        moves=moves,
        moves_title=TITLE,
        moves_note=NOTE,
        moves_heads={"stable": PROBE_HEADS, "features": FEATURE_HEADS},
        probe_sections=probes,
        live_sections=against,
        curves=curve_figures(content),
        forests=(*group_figures(content, measured), *slice_figures(content, measured)),
        measured=measured.by_stage(),
        conditions=conditions(content),
    )  # fmt: skip


def _findings(content: Content) -> tuple[FindingRow, ...]:
    """Return the findings of the new rows; what the other gates found is listed with the gates."""
    rows = finding_rows(content.verdicts, content.policy)
    return tuple(row for row in rows if row.effect is not None)[:MOST_ROWS]


def _brief(subject: str) -> str:
    return one_line(subject, LONGEST_SUBJECT)


def page_environment() -> jinja2.Environment:
    """Return what draws pages: every value is escaped, and one that is missing is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "short": short,
        "brief": _brief,
        "value": shown_value,
        "unit": shown_unit,
        "interval": interval_text,
        "is_digest": lambda value: is_digest(str(value)),
    }
    return environment
