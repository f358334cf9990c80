"""Stream measurements: what a streamed file's verdicts are as numbers without limits, the same as of a snapshot."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stages.personal_data import undeclared
from ml_platform.stages.quarantine import most_frequent_first
from ml_platform.stages.rule_checks import MISSING, NOT_UNIQUE
from ml_platform.stages.snapshot_measurements import count_columns, measure_missing

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.contract_stream import StreamChecked


def measure_stream(spec: ModelSpec, checked: StreamChecked) -> tuple[Measurement, ...]:
    """Return the share of rows that break the contract, repeats, unstated conversions and what is missing.

    As in a snapshot, a row whose only flaw is a missing target has no outcome and breaks no rule.
    """
    outcomeless = f"{spec.target}: {MISSING}"
    of_outcome = [place for place, reason in enumerate(checked.reasons) if reason == outcomeless]
    without_outcome = sum(int((checked.reason_of == place).sum()) for place in of_outcome)
    violating = len(checked.refused) - without_outcome
    twice = sum(count for rule, count in checked.broken.items() if rule.endswith(f": {NOT_UNIQUE}"))
    rows = checked.rows
    return (
        Measurement(
            metric="contract_violations_share",
            value=violating / rows if rows else None,
            n=rows,
            unit="share",
            reason="" if rows else "the file has no rows",
            facts={**most_frequent_first(checked.broken), "without_outcome": without_outcome},
        ),
        Measurement(metric="unique_violations", value=twice if rows else None, n=rows, unit="rows"),
        Measurement(
            metric="coerced_cells",
            value=sum(checked.coerced.values()),
            n=rows * len(spec.contract),
            unit="cells",
            facts=most_frequent_first(checked.coerced),
        ),
        *measure_missing(spec, (rows - len(checked.refused)) or without_outcome, checked.missing),
    )


def measure_columns(spec: ModelSpec, sample: pd.DataFrame) -> tuple[Measurement, ...]:
    """Return the columns that the contract doesn't name, and those that look personal in the sample of the rows."""
    suspects = undeclared(spec, sample)
    personal = [name for name, finding in suspects.items() if finding.blocks]
    unnamed = [name for name in sample.columns if name not in spec.contract]
    looked = count_columns("undeclared_personal_data", personal, len(sample.columns), suspects)
    if sample.empty:
        looked = dataclasses.replace(looked, value=None, reason="the file has no rows")
    return (count_columns("undeclared_columns", unnamed, len(sample.columns), suspects), looked)
