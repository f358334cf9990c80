"""Findings for Dagster's pages: what inspecting new rows proved, and how the columns that it names changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.core.errors import PlatformError
from ml_platform.orchestration.pictures import image, plot_style
from ml_platform.reports.compared_columns import read_compared
from ml_platform.reports.compared_plot import MASKED, compared_plot
from ml_platform.reports.findings import INSPECTION, findings_table
from ml_platform.reports.markdown import cell

if TYPE_CHECKING:
    from ml_platform.core.compared import ComparedColumn, ComparedColumns
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import SnapshotRecord
    from ml_platform.orchestration.run_stage import Judged
    from ml_platform.policy.resolve import Policy


def findings_metadata(store: ArtefactStore, policy: Policy, rows: Judged[SnapshotRecord]) -> dict[str, Any]:
    """Return the findings table and the plots of a snapshot; nothing when no new rows were inspected."""
    if not any(one.metric.startswith(INSPECTION) for one in rows.measurements):
        return {}
    found = {"findings": dg.MetadataValue.md(findings_table(rows.verdicts, policy))}
    try:
        compared = read_compared(store, rows.measurements)
    except PlatformError as error:
        return found | {"columns compared": dg.MetadataValue.md(f"No plots: {cell(str(error))}")}
    return found | ({"columns compared": dg.MetadataValue.md(_plots(compared))} if compared else {})


def _plots(compared: ComparedColumns) -> str:
    style = plot_style()
    plots = [_plot(column, compared, style) for column in compared.columns]
    more = f"… and {compared.left_out:,} more columns that findings name." if compared.left_out else ""
    return "\n\n".join(filter(None, [*plots, more]))


def _plot(column: ComparedColumn, compared: ComparedColumns, style: str) -> str:
    about = f" {MASKED}" if column.masked else ""
    return f"**{cell(column.name)}**{about}\n\n{image('shares', str(compared_plot(column, compared)), style)}"
