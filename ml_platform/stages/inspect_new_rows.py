"""Inspect new rows: those of a snapshot that the reference snapshot doesn't hold, against the reference's rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.compared import ComparedColumns
from ml_platform.core.measurement import Measurement
from ml_platform.stages.compared_columns import compare_columns, offending_columns
from ml_platform.stages.inspection.against_contract import inspected_columns, private_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml_platform.policy.spec import ModelSpec

MOST_REFERENCE_ROWS = 50_000
SEED = 20_260_101


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRowsInspected:
    """What was measured on the new rows, and the columns that findings name beside the reference's."""

    measurements: tuple[Measurement, ...] = ()
    compared: ComparedColumns | None = None


def inspect_new_rows(
    spec: ModelSpec,
    reference: pd.DataFrame,
    accepted: pd.DataFrame,
    reference_as_of: dt.datetime | None,
    *,
    suspects: Collection[str],
) -> NewRowsInspected:
    """Inspect the rows that came since the reference; nothing is measured when no row did.

    With a time column these are the rows from the reference's end on; without, those that equal none of its rows. The
    time itself, entities and direct personal data are left out: new values there are expected. Of a large reference
    every row has the same chance to be among the 50,000 that are compared with. No value of a column that is declared
    personal, or is among the `suspects` that look so, is told.
    """
    from ml_platform.stages.inspection.measure import measure_batch

    names = inspected_columns(spec.contract)
    new = accepted.loc[_new(spec, reference, accepted, reference_as_of), names]
    if new.empty:
        return NewRowsInspected()
    before = reference[[name for name in names if name in reference.columns]]
    if len(before) > MOST_REFERENCE_ROWS:
        chosen = np.random.default_rng(SEED).choice(len(before), MOST_REFERENCE_ROWS, replace=False)
        before = before.iloc[np.sort(chosen)]
    private = {*private_columns(spec.contract), *suspects}
    found = measure_batch(before, new, target=spec.target, private=private)
    offending = offending_columns(found.proven)
    compared = compare_columns(offending, before, new, masked=private) if offending else None
    return NewRowsInspected(measurements=found.measurements, compared=compared)


def _new(
    spec: ModelSpec, reference: pd.DataFrame, accepted: pd.DataFrame, end: dt.datetime | None
) -> NDArray[np.bool_]:
    if spec.time is not None and end is not None:
        later: NDArray[np.bool_] = (accepted[spec.time] >= end).to_numpy()
        return later
    from pandas.util import hash_pandas_object

    shared = [name for name in accepted.columns if name in reference.columns]
    known, seen = (hash_pandas_object(frame[shared], index=False).to_numpy() for frame in (reference, accepted))
    return ~np.isin(seen, known)
