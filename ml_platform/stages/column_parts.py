"""Column parts: what describes each column by itself, computed for a part of the columns on each worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ml_platform.learners.workers import HERE, Workers
from ml_platform.policy.spec import PersonalData, Role

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Column

Describe = Callable[["Column", "pd.Series"], dict[str, Any]]


def stays_here(column: Column) -> bool:
    """Say whether a column isn't sent to workers: it tells of persons, and what is looked at needs no worker."""
    return column.personal_data is not PersonalData.NONE or Role.ENTITY in column.roles


def by_column(
    describe: Describe, contract: Mapping[str, Column], frame: pd.DataFrame, *, workers: Workers
) -> dict[str, dict[str, Any]]:
    """Return `describe(column, values)` of every column, in the contract's order; a column is never cut."""
    sent = [name for name, column in contract.items() if not stays_here(column)]
    parts = [frame[names] for place in range(workers.count) if (names := sent[place :: workers.count])]
    here = HERE.each(
        "describing", _described, [frame], describe, {name: contract[name] for name in contract if name not in sent}
    )
    there = workers.each("describing", _described, parts, describe, {name: contract[name] for name in sent})
    found = {name: told for part in (*here, *there) for name, told in part.items()}
    return {name: found[name] for name in contract}


def _described(part: pd.DataFrame, describe: Describe, contract: Mapping[str, Column]) -> dict[str, dict[str, Any]]:
    return {name: describe(column, part[name]) for name, column in contract.items() if name in part}
