"""Guess split: one by time that the times seen have room for, or one by rows where there is nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FEWEST_DAYS = 10
SECONDS_PER_DAY = 86_400
TRAINED_LEAST, HELD_OUT_LEAST = 0.3, 0.05
HOLDOUT, CALIBRATION, VALIDATION = 0.2, 0.1, 0.1


def guess_split(times: pd.Series) -> list[str]:
    """Return comment lines with a split whose parts reach from the first time seen to the last.

    `times` are in UTC and without a gap. A tenth of the days each is for validation and calibration, a fifth is the
    holdout. Nothing is proposed for fewer than ten days, nor where a few odd times stretch the span: the training part
    needs three rows in ten and the holdout one in twenty.
    """
    import pandas as pd

    first, last = times.min(), times.max()
    end = (last + pd.Timedelta(microseconds=1)).ceil("D")
    days = (end - first).days
    if days < FEWEST_DAYS:
        return []
    holdout, calibration, validation = (max(1, round(share * days)) for share in (HOLDOUT, CALIBRATION, VALIDATION))
    train = days - holdout - calibration - validation
    ahead = (end - times).dt.total_seconds() / SECONDS_PER_DAY
    if (ahead > days - train).mean() < TRAINED_LEAST or (ahead <= holdout).mean() < HELD_OUT_LEAST:
        return []
    parts = f"validation_days: {validation}, calibration_days: {calibration}, holdout_days: {holdout}"
    return [
        f"  # guess: a split by time of the {days:,} days seen, for the same model file (outside of the contract):",
        f"  #   source: as_of: {end:%Y-%m-%dT00:00:00Z}",
        f"  #   split: {{kind: time, train_days: {train}, {parts}}}",
    ]


def each_row_its_own() -> list[str]:
    """Return comment lines with a split of a table that has neither a time nor whose row it is.

    A row's number is made of what it says: so it keeps its part when rows are added, and equal rows are in one part.
    """
    return [
        "  # guess: a split by rows, as no column says when or whose: `row: {type: category, role: entity}` in this",
        "  # contract, `split: {kind: entity, …}` in the model file, and in the features module:",
        "  #   def assemble(tables):",
        "  #       (rows,) = tables.values()",
        '  #       return rows.assign(row=[f"{one:016x}" for one in pd.util.hash_pandas_object(rows, index=False)])',
    ]
