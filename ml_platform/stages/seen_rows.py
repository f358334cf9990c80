"""Seen rows: which holdout rows the champion was made with; on those its scores flatter it and nothing is compared."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import SplitRecord
from ml_platform.policy.spec import TimeSplit
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.split import KIND, UNUSED, read_parts

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord, ReleaseRecord
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix

FEWEST = 200
HOLDOUT = "holdout"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Seen:
    """Which holdout rows, shape (n,), the champion was made with, how that is known, and what would help."""

    rows: Mask
    how: str
    remedy: str

    def refusal(self, target: NDArray[np.float64]) -> str:
        """Say why the other rows are no base for a comparison: too few, or of one class; empty when they are one."""
        others = target[~self.rows]
        if not self.rows.any() or (others.size >= FEWEST and np.unique(others).size > 1):
            return ""
        left = f"{others.size:,} of the {target.size:,} holdout rows are new to it and {FEWEST} of both classes needed"
        return f"{self.how}: comparing would be in-sample ({left}); {self.remedy}"


def seen_rows(
    spec: ModelSpec, *, store: ArtefactStore, champion: ReleaseRecord, features: FeaturesRecord, matrix: Matrix
) -> Seen:
    """Find the holdout rows that the champion's training, stopping or threshold may have used.

    After a split by time these are all rows from before the champion's own holdout, after one by entity all rows of
    the entities that it used. Raises DataInvalid when that can't be established.
    """
    split = _split_of(store, champion)
    if "end" in split.boundaries:
        return _by_time(spec, champion, split, matrix)
    theirs = _entities(spec, store, champion, split.snapshot_digest)
    ours = _entities(spec, store, champion, features.snapshot_digest)
    return _by_entity(champion, theirs, read_parts(store, split), ours, matrix.part == HOLDOUT)


def _split_of(store: ArtefactStore, champion: ReleaseRecord) -> SplitRecord:
    digest = champion.candidate.split_digest
    if not store.has(KIND, digest):
        raise _unknown(champion, f"its split {short(digest)} isn't in the store")
    try:
        return msgspec.json.decode(store.read(KIND, digest, "split.json"), type=SplitRecord)
    except msgspec.MsgspecError as error:
        raise _unknown(champion, f"its split {short(digest)} can't be read ({error})") from None


def _by_time(spec: ModelSpec, champion: ReleaseRecord, split: SplitRecord, matrix: Matrix) -> Seen:
    until = _holdout_start(champion, split)
    times = matrix.part_of(HOLDOUT).time
    if times is None or not times.size or np.isnat(times).any():
        raise _unknown(champion, "it was split by time, and not every holdout row has one")
    start = times.min().astype(dt.datetime)
    remedy = "release on newer rows"
    if isinstance(spec.split, TimeSplit):
        remedy += f" (as_of {until + dt.timedelta(days=spec.split.holdout_days):%Y-%m-%d} or later)"
    how = (
        f"the live version v{champion.version} was trained and tuned on rows up to {until:%Y-%m-%d}, "
        f"the holdout starts {start:%Y-%m-%d}"
    )
    return Seen(times < np.datetime64(until, "us"), how, remedy)


def _holdout_start(champion: ReleaseRecord, split: SplitRecord) -> dt.datetime:
    """Return when the champion's own holdout starts, in UTC and without a zone, as a matrix has its times."""
    said = split.boundaries.get(HOLDOUT, "")
    try:
        start = dt.datetime.fromisoformat(said)
    except ValueError:
        raise _unknown(champion, f"the start of its holdout, {said!r}, is no time") from None
    if start.tzinfo is None:
        raise _unknown(champion, f"the start of its holdout, {said}, has no time zone")
    return start.astimezone(dt.UTC).replace(tzinfo=None)


def _by_entity(
    champion: ReleaseRecord, theirs: pd.Series, parts: NDArray[np.str_], ours: pd.Series, holdout: Mask
) -> Seen:
    if len(theirs) != parts.size or len(ours) != holdout.size:
        raise _unknown(champion, "a split and its snapshot differ in rows")
    used = theirs[~np.isin(parts, (HOLDOUT, UNUSED))]
    seen = ours[holdout].isin(used.unique()).to_numpy(dtype=np.bool_)
    how = f"the live version v{champion.version} was trained and tuned on entities that are in the holdout"
    return Seen(seen, how, "split with the salt and the shares that it was split with, or release on new entities")


def _entities(spec: ModelSpec, store: ArtefactStore, champion: ReleaseRecord, snapshot: str) -> pd.Series:
    """Return each row's entity as the text that a split hashes."""
    if not store.has("snapshots", snapshot):
        raise _unknown(champion, f"snapshot {short(snapshot)} isn't in the store")
    frame = read_parquet(store.open("snapshots", snapshot, "data.parquet"))
    if spec.entity is None or spec.entity not in frame:
        raise _unknown(champion, f"snapshot {short(snapshot)} has no column {spec.entity or 'with the role entity'}")
    return frame[spec.entity].astype("object").map(str)


def _unknown(champion: ReleaseRecord, why: str) -> DataInvalid:
    return DataInvalid(
        f"whether the live version v{champion.version} was trained on these holdout rows can't be established: {why}; "
        "only rows that it never saw compare fairly; restore what is gone or release on rows newer than its own"
    )
