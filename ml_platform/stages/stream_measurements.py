"""Stream measurements: what a streamed file's verdicts are as numbers without limits, the same as of a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stages.contract import MISSING, NOT_UNIQUE
from ml_platform.stages.quarantine import most_frequent_first

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.contract_stream import StreamChecked


def measure_stream(spec: ModelSpec, checked: StreamChecked) -> tuple[Measurement, ...]:
    """Return the share of rows that break the contract, repeated unique values and unstated conversions.

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
    )
