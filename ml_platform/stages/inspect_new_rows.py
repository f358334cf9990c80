"""Inspect new rows: those of a snapshot that the reference snapshot doesn't hold, against the reference's rows."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.policy.spec import PersonalData, Role

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.spec import ModelSpec

MOST_REFERENCE_ROWS = 50_000
SEED = 20_260_101
USED = frozenset({Role.FEATURE, Role.TARGET, Role.GROUP})
VALUES = frozenset({"from", "to", "smallest", "largest"})
APART = frozenset({Role.TIME, Role.ENTITY})


def inspect_new_rows(
    spec: ModelSpec, reference: pd.DataFrame, accepted: pd.DataFrame, reference_as_of: dt.datetime | None
) -> tuple[Measurement, ...]:
    """Return the inspection's measurements of the rows that came since the reference; none when no row did.

    With a time column these are the rows from the reference's end on; without, those that equal none of its rows. The
    time itself, entities and direct personal data are left out: new values there are expected. Of a large reference
    every row has the same chance to be among the 50,000 that are compared with.
    """
    from ml_platform.stages.inspection.measure import measure_batch

    names = inspected_columns(spec)
    new = accepted.loc[_new(spec, reference, accepted, reference_as_of), names]
    if new.empty:
        return ()
    before = reference[names]
    if len(before) > MOST_REFERENCE_ROWS:
        chosen = np.random.default_rng(SEED).choice(len(before), MOST_REFERENCE_ROWS, replace=False)
        before = before.iloc[np.sort(chosen)]
    found = measure_batch(before, new, target=spec.target).measurements
    return tuple(_sparingly(spec, one) for one in found)


def _sparingly(spec: ModelSpec, found: Measurement) -> Measurement:
    """Leave out the facts that are values of columns, where one of the columns is about persons."""
    named = {name.strip() for name in found.subject.split(" and ")[0].split(",")}
    about = [name for name, column in spec.contract.items() if column.personal_data is not PersonalData.NONE]
    if not named & set(about):
        return found
    return dataclasses.replace(found, facts={key: fact for key, fact in found.facts.items() if key not in VALUES})


def inspected_columns(spec: ModelSpec) -> list[str]:
    """Return the columns that a batch is inspected in."""
    return [
        name
        for name, column in spec.contract.items()
        if column.roles & USED and not column.roles & APART and column.personal_data is not PersonalData.DIRECT
    ]


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
