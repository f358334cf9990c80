"""The chapters of a report about what a full evaluation tried out, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.degradation import degradation_section
from ml_platform.reports.improvement_rows import improvement_section
from ml_platform.reports.luck import luck_section
from ml_platform.reports.misled import misled_section
from ml_platform.reports.weak_slices import weak_slices_section

if TYPE_CHECKING:
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows
    from ml_platform.reports.probe_section import ProbeSection


def probe_sections(content: Content, measured: MeasuredRows) -> tuple[ProbeSection, ...]:
    """Return the chapters that have something to show: what would help, and what a full evaluation tried."""
    found = (
        improvement_section(content),
        luck_section(content, measured),
        weak_slices_section(content, measured),
        degradation_section(content, measured),
        misled_section(content, measured),
    )
    return tuple(section for section in found if section.rows)
