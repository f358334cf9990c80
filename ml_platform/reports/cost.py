"""What a run's stages took, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.markdown import table

if TYPE_CHECKING:
    from ml_platform.core.spent import CostRecord, Spent


def stage_table(record: CostRecord) -> str:
    """Return the stages of a run with their time, memory and cost as a Markdown table, the whole run last."""
    priced = record.cost is not None
    head = ("stage", "did", "CPU seconds", "wall seconds", "peak MiB", *(("cost",) if priced else ()))
    rows = [
        (*_row(one), *((_money(record.costs[one.stage], record.currency),) if priced else ())) for one in record.stages
    ]
    whole = (
        "all",
        "",
        f"{sum(one.usage.cpu_seconds for one in record.stages):.2f}",
        f"{sum(one.usage.wall_seconds for one in record.stages):.2f}",
        f"{max((one.usage.peak_bytes for one in record.stages), default=0) / 2**20:,.0f}",
        *((_money(record.cost or 0.0, record.currency),) if priced else ()),
    )
    return table(head, [*rows, whole])


def _row(one: Spent) -> tuple[str, str, str, str, str]:
    used = one.usage
    peak = f"{used.peak_bytes / 2**20:,.0f}" + ("" if used.peak_is_own else " (process so far)")
    return one.stage, one.outcome, f"{used.cpu_seconds:.2f}", f"{used.wall_seconds:.2f}", peak


def _money(amount: float, currency: str) -> str:
    return f"{amount:.4g} {currency}"
