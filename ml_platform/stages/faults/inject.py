"""Inject: plant a fault into a batch, which itself stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.faults.fault import Aim, Fault, Scene, Severity, Site

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyBatch:
    """A batch with a fault in it: which kind, how large, where, and how many rows were changed, added or lost."""

    frame: pd.DataFrame
    kind: str
    severity: Severity
    aim: Aim
    columns: tuple[str, ...]
    rows_touched: int


def inject(
    frame: pd.DataFrame,
    kind: str,
    *,
    severity: Severity,
    rng: np.random.Generator,
    scene: Scene | None = None,
    aim: Aim | None = None,
) -> FaultyBatch:
    """Plant a fault of a kind; without an aim at a place by chance, without a scene the batch itself is the scene.

    `rows_touched` is 0 where nothing could be changed (a sign flipped in a column of zeros). Raises DataInvalid for a
    kind that isn't known or has no place in the scene.
    """
    fault = known(kind)
    around = Scene.of(frame) if scene is None else scene
    place = pick(fault, around, rng) if aim is None else aim
    index = frame.reset_index(drop=True)
    made = fault.plant(Site(frame=index, aim=place, size=fault.size(severity), rng=rng, scene=around))
    return FaultyBatch(
        frame=made,
        kind=kind,
        severity=severity,
        aim=place,
        columns=place.columns,
        rows_touched=_touched(index, made, place),
    )


def known(kind: str) -> Fault:
    """Return a kind of fault by its name; DataInvalid when there is none."""
    if kind not in FAULTS:
        message = f"faults: there is no kind '{kind[:60]}'; known: {', '.join(FAULTS)}; name one of them"
        raise DataInvalid(message)
    return FAULTS[kind]


def pick(fault: Fault, scene: Scene, rng: np.random.Generator) -> Aim:
    """Pick one of the fault's places by chance; DataInvalid when it has none."""
    aims = fault.aims(scene, rng)
    if not aims:
        message = f"faults: {fault.name} has no place in these rows; it needs other columns; leave this kind out"
        raise DataInvalid(message)
    return aims[int(rng.integers(len(aims)))]


def _touched(before: pd.DataFrame, after: pd.DataFrame, aim: Aim) -> int:
    if len(before) != len(after):
        return abs(len(before) - len(after))
    if any(name not in after.columns for name in aim.columns):
        return len(after)
    changed = np.zeros(len(after), dtype=bool)
    for name in aim.columns:
        old, new = before[name].astype(object), after[name].astype(object)
        changed |= ((old != new) & ~(old.isna() & new.isna())).to_numpy(dtype=bool)
    return int(changed.sum())
