"""Split measurements: what the parts share that they mustn't, and how much evidence each holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.repeated_rows import Flags, find_repeats
from ml_platform.stats.share import share

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
    than all rows of the parts before; `outcomes_known_too_late` the learned rows whose outcome, by the target's
    `available_after_days`, is known only after the first evaluated row.
    """
    return (
        *_row_overlap(spec, frame, parts),
        _entity_overlap(spec, frame, parts),
        _time_order(spec, frame, parts),
        _late_outcomes(spec, frame, parts),
        *_sizes(spec, frame, parts),
    )


def _learned(parts: Parts) -> NDArray[np.bool_]:
    return np.isin(parts, ["train", "validation"])


def _evaluated(parts: Parts) -> NDArray[np.bool_]:
    return np.isin(parts, ["calibration", "holdout"])


def _row_overlap(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> Iterator[Measurement]:
    """Measure the rows seen before; those alike by chance, as in a table of few coarse columns, don't count."""
    import pandas as pd

    naming = {spec.entity, spec.time}
    content = [name for name, column in spec.contract.items() if name not in naming and not column.unique]
    learned, evaluated = _learned(parts), _evaluated(parts)
    hashes = pd.util.hash_pandas_object(frame[content], index=False).to_numpy()
    seen = np.isin(hashes[evaluated], hashes[learned])
    found = find_repeats(frame[content], learned=learned, evaluated=evaluated)
    judged = {"alike": float(seen.mean()), "judged": found.near.size}
    near = share(found.near | found.exact, metric="near_row_overlap_share")
    yield dataclasses.replace(near, facts={**near.facts, **judged})
    exact = _unexplained(frame[content], learned, evaluated, seen)
    yield Measurement(metric="row_overlap_share", value=exact, n=seen.size, unit="share", facts=judged)


def _unexplained(content: pd.DataFrame, learned: Flags, evaluated: Flags, seen: Flags) -> float:
    """Return the share of evaluated rows that are seen before, less those that chance explains."""
    if not seen.any():
        return 0.0
    again = np.zeros(learned.size, dtype=np.bool_)
    again[np.flatnonzero(evaluated)[seen]] = True
    return float(seen.mean() * find_repeats(content, learned=learned, evaluated=again).exact.mean())


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


def _late_outcomes(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> Measurement:
    metric, days = "outcomes_known_too_late", spec.contract[spec.target].available_after_days
    if spec.time is None:
        return Measurement(metric=metric, value=None, n=0, unit="share", reason="no column has the role time")
    times = frame[spec.time].to_numpy(dtype="datetime64[us]")
    known = times[_learned(parts)] + np.timedelta64(round(days * 86_400_000_000), "us")
    late = share(known > times[_evaluated(parts)].min(), metric=metric)
    return dataclasses.replace(late, facts={**late.facts, "available_after_days": days})


def _sizes(spec: ModelSpec, frame: pd.DataFrame, parts: Parts) -> Iterator[Measurement]:
    for part in ("train", "calibration", "holdout"):
        yield _rows(f"{part}_rows", int((parts == part).sum()), parts.size)
    yield from _outcomes(spec, frame[spec.target][parts == "holdout"], parts.size)


def _outcomes(spec: ModelSpec, holdout: pd.Series, n: int) -> Iterator[Measurement]:
    """Measure how much evidence the outcomes of the holdout hold, by what the model predicts."""
    match spec.learner.task:
        case "binary":
            outcome = holdout.to_numpy(dtype=np.float64)
            yield _rows("holdout_positives", int((outcome == 1).sum()), n)
            yield _rows("holdout_negatives", int((outcome == 0).sum()), n)
        case "multiclass":
            for name in spec.classes:
                yield _rows("holdout_class_rows", int((holdout == name).sum()), n, subject=name)
        case "regression" | "quantile":
            distinct = int(holdout.nunique())
            yield Measurement(metric="holdout_distinct_outcomes", value=distinct, n=n, unit="values")
        case task:
            assert_never(task)


def _rows(metric: str, count: int, n: int, subject: str = "") -> Measurement:
    return Measurement(metric=metric, value=count, n=n, unit="rows", subject=subject)
