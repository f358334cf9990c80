"""Against a contract: which columns a batch is inspected in, and which of its rows break what was agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.contract import check_rows
from ml_platform.stages.inspection.finding import Finding

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Column

METRIC = "contract_violations_share"
USED = frozenset({Role.FEATURE, Role.TARGET, Role.GROUP, Role.WEIGHT})
APART = frozenset({Role.TIME, Role.ENTITY})


def inspected_columns(contract: Mapping[str, Column]) -> list[str]:
    """Return the columns that a batch is inspected in: used ones, without times, entities and direct personal data."""
    return [
        name
        for name, column in contract.items()
        if column.roles & USED and not column.roles & APART and column.personal_data is not PersonalData.DIRECT
    ]


def private_columns(contract: Mapping[str, Column]) -> list[str]:
    """Return the columns of which no value may be told."""
    return [name for name, column in contract.items() if column.personal_data is not PersonalData.NONE]


def broken_rows(contract: Mapping[str, Column], batch: pd.DataFrame) -> tuple[Measurement, tuple[Finding, ...]]:
    """Return the share of rows that break the contract, and a finding per broken rule, of those columns that came."""
    checked = check_rows("inspect_batch", {name: said for name, said in contract.items() if name in batch}, batch)
    rows = len(batch)
    refused = int(checked.refused.sum())
    measurement = Measurement(
        metric=METRIC, value=refused / rows if rows else None, n=rows, unit="share", reason="" if rows else "no rows",
        facts=dict(checked.broken),
    )  # fmt: skip
    return measurement, tuple(_finding(rule, count, rows) for rule, count in checked.broken.items())


def _finding(rule: str, count: int, rows: int) -> Finding:
    name, _, broken = rule.rpartition(": ")
    measurement = Measurement(
        metric=METRIC, value=count / rows, n=rows, unit="share", subject=name, facts={"what": broken, "rows": count}
    )
    return Finding(kind="contract", columns=(name,), effect=count / rows, p_value=0.0, measurement=measurement)
