"""Inspect new rows: those of a snapshot that the reference snapshot doesn't hold, against the reference's rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
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
# Fewer rows can show next to nothing; fewer than this part of the table can harm next to nothing.
TELLING_ROWS, TELLING_SHARE = 20, 0.001


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
    """Inspect the rows that the reference doesn't hold; nothing is measured of fewer than 20 in less than a thousandth.

    These are the rows from the reference's end on, and of the others those that were changed or came late: in the
    inspected columns they equal no row of the reference, or it has fewer of their kind. The time itself, entities and
    direct personal data aren't inspected: new values there are expected. Of a large reference every row has the same
    chance to be among the 50,000 that are compared with. No value of a column that is declared personal, or is among
    the `suspects` that look so, is told.
    """
    from ml_platform.stages.inspection.measure import measure_batch

    names = inspected_columns(spec.contract)
    new = accepted.loc[_new(spec, names, reference, accepted, reference_as_of), names]
    if new.empty or (len(new) < TELLING_ROWS and len(new) < TELLING_SHARE * len(accepted)):
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
    spec: ModelSpec, names: Sequence[str], reference: pd.DataFrame, accepted: pd.DataFrame, end: dt.datetime | None
) -> NDArray[np.bool_]:
    """Return which rows are later than the reference's end, or hold what it doesn't, or more often than it does."""
    shared = [name for name in names if name in reference.columns]
    compared = [name for name in shared if str(reference[name].dtype) == str(accepted[name].dtype)]
    if spec.time is None or end is None:
        return _more_than(reference[compared], accepted[compared])
    new: NDArray[np.bool_] = (accepted[spec.time] >= end).to_numpy(dtype=np.bool_, copy=True)
    if compared:
        new[~new] = _more_than(reference[compared], accepted.loc[~new, compared])
    return new


def _more_than(known: pd.DataFrame, seen: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the rows of `seen` that are left when each row of `known` has taken an equal one away."""
    from pandas.util import hash_pandas_object

    of_known, of_seen = (hash_pandas_object(frame, index=False) for frame in (known, seen))
    taken = of_seen.map(of_known.value_counts()).fillna(0).to_numpy()
    place = of_seen.groupby(of_seen.to_numpy()).cumcount().to_numpy()
    left: NDArray[np.bool_] = place >= taken
    return left
