"""Split measurements: what the parts share that they mustn't, and how much evidence each holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

Parts = NDArray[np.str_]
PARTS = ("train", "validation", "calibration", "holdout")


def measure_split(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> tuple[Measurement, ...]:
    """Return every measurement of the split stage; what the model has no column for is undefined with the reason.

    `row_overlap_share` counts the rows of the evaluated parts (calibration and holdout) that repeat a training or
    validation row in every column but those that name it (unique columns, entity, time); `entity_overlap_share` the
    entities of the evaluated parts that are also in a learned one; `time_order_violations` the rows that aren't later
    than all rows of the parts before.
    """
    return (
        _row_overlap(spec, frame, parts),
        _entity_overlap(spec, frame, parts),
        _time_order(spec, frame, parts),
        *_sizes(spec, frame, parts),
    )


def _learned(parts: Parts) -> NDArray[np.bool_]:
    return np.isin(parts, ["train", "validation"])


def _evaluated(parts: Parts) -> NDArray[np.bool_]:
    return np.isin(parts, ["calibration", "holdout"])


def _row_overlap(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> Measurement:
    import pandas as pd

    naming = {spec.entity, spec.time}
    content = [name for name, column in spec.contract.items() if name not in naming and not column.unique]
    hashes = pd.util.hash_pandas_object(frame[content], index=False).to_numpy()
    evaluated = hashes[_evaluated(parts)]
    seen = np.isin(evaluated, hashes[_learned(parts)])
    return Measurement(metric="row_overlap_share", value=float(seen.mean()), n=seen.size, unit="share")


def _entity_overlap(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> Measurement:
    metric = "entity_overlap_share"
    if spec.entity is None:
        return Measurement(metric=metric, value=None, n=0, unit="share", reason="no column has the role entity")
    entities = frame[spec.entity]
    evaluated = entities[_evaluated(parts)].drop_duplicates()
    shared = evaluated.isin(entities[_learned(parts)].drop_duplicates())
    return Measurement(metric=metric, value=float(shared.mean()), n=len(evaluated), unit="share")


def _time_order(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> Measurement:
    metric = "time_order_violations"
    if spec.time is None:
        return Measurement(metric=metric, value=None, n=0, unit="rows", reason="no column has the role time")
    times = frame[spec.time].to_numpy(dtype="datetime64[us]")
    violations, newest = 0, None
    for part in PARTS:
        own = times[parts == part]
        if newest is not None:
            violations += int((own <= newest).sum())
        newest = own.max() if newest is None else max(newest, own.max())
    return Measurement(metric=metric, value=violations, n=times.size, unit="rows")


def _sizes(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> Iterator[Measurement]:
    outcome = frame[spec.target].to_numpy(dtype=np.float64)
    holdout = outcome[parts == "holdout"]
    for metric, value in (
        ("train_rows", (parts == "train").sum()),
        ("calibration_rows", (parts == "calibration").sum()),
        ("holdout_rows", holdout.size),
        ("holdout_positives", (holdout == 1).sum()),
        ("holdout_negatives", (holdout == 0).sum()),
    ):
        yield Measurement(metric=metric, value=int(value), n=parts.size, unit="rows")
