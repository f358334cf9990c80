"""Split: which row of a snapshot is in which part, by time or by a hash of the entity, never by chance.

Parts are train, validation, calibration and holdout; a time split leaves rows older than its training days `unused`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.records import SplitRecord
from ml_platform.policy.spec import EntitySplit, TimeSplit
from ml_platform.stages.parquet import parquet_bytes, read_parquet
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split_measurements import measure_split

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import SnapshotRecord
    from ml_platform.policy.spec import ModelSpec, Split

KIND = "splits"
UNUSED = "unused"
PARTS = ("train", "validation", "calibration", "holdout")
Codes = NDArray[np.int8]


def make_split(
    spec: ModelSpec, *, store: ArtefactStore, snapshot: SnapshotRecord, as_of: dt.datetime | None
) -> Measured[SplitRecord]:
    """Assign every row of a snapshot to one part and store the assignment in the rows' order.

    A time split counts its days backwards from `as_of` (default: the snapshot's), an entity split hashes each entity
    with the salt. Raises DataInvalid when a part would be empty.
    """
    frame = read_rows(spec, store, snapshot)
    match spec.split:
        case TimeSplit():
            edges = _edges(spec.split, _required_end(spec, as_of or snapshot.as_of))
            codes = _by_time(spec, edges, frame)
            boundaries = {name: edge.isoformat() for name, edge in edges.items()}
        case EntitySplit():
            codes = _by_entity(spec, spec.split, frame)
            boundaries = {name: f"{getattr(spec.split, name):g} of the entities" for name in PARTS}
        case _:
            assert_never(spec.split)
    codes = _learned_from_only(codes, snapshot.feedback_rows)
    rows = {name: int((codes == code).sum()) for code, name in enumerate((*PARTS, UNUSED))}
    _require_parts(spec, rows)
    content = hashlib.sha256(codes.tobytes()).hexdigest()
    digest = digest_of({"snapshot": snapshot.digest, "parts": content, "boundaries": boundaries})
    record = SplitRecord(
        model=spec.model, digest=digest, snapshot_digest=snapshot.digest, rows=rows, boundaries=boundaries
    )
    unchanged = store.has(KIND, digest) or not store.put(KIND, digest, _files(record, codes))
    return Measured(record=record, measurements=measure_split(spec, frame, part_names(codes)), unchanged=unchanged)


def training_span(split: Split, as_of: dt.datetime) -> tuple[dt.datetime | None, dt.datetime]:
    """Return from when (None: as long as there are rows) to when rows teach, of a split that counts back from `as_of`.

    Parts by entity hold rows of all times.
    """
    match split:
        case TimeSplit():
            edges = _edges(split, as_of)
            return None if split.train_grows else edges["train"], edges["validation"]
        case EntitySplit():
            return None, as_of
        case _:
            assert_never(split)


def read_parts(store: ArtefactStore, split: SplitRecord) -> NDArray[np.str_]:
    """Return the part of every snapshot row, shape (rows,)."""
    parts = read_parquet(store.open(KIND, split.digest, "parts.parquet"))["part"]
    names = np.asarray([str(name) for name in parts.cat.categories])
    found: NDArray[np.str_] = names[parts.cat.codes.to_numpy()]
    return found


def part_names(codes: Codes) -> NDArray[np.str_]:
    """Return part names for part codes."""
    found: NDArray[np.str_] = np.asarray([*PARTS, UNUSED])[codes]
    return found


def _files(record: SplitRecord, codes: Codes) -> Mapping[str, bytes]:
    import pandas as pd

    parts = pd.DataFrame({"part": pd.Categorical.from_codes(codes, categories=pd.Index([*PARTS, UNUSED]))})
    return {"parts.parquet": parquet_bytes(parts), "split.json": canonical_json(record).encode()}


def _required_end(spec: ModelSpec, as_of: dt.datetime | None) -> dt.datetime:
    if as_of is None:
        message = f"{spec.model}: a time split counts back from a day and none is set; set source.as_of"
        raise DataInvalid(message)
    return as_of


def _edges(split: TimeSplit, as_of: dt.datetime) -> dict[str, dt.datetime]:
    """Return when each part starts, and when the holdout ends."""
    edges = {"end": as_of}
    at = as_of
    for name in reversed(PARTS):
        at -= dt.timedelta(days=getattr(split, f"{name}_days"))
        edges[name] = at
    if split.train_grows:
        edges["train"] = dt.datetime.min.replace(tzinfo=dt.UTC)
    return dict(reversed(edges.items()))


def _by_time(spec: ModelSpec, edges: Mapping[str, dt.datetime], frame: pd.DataFrame) -> Codes:
    times = frame[_required(spec, spec.time, "time")].to_numpy(dtype="datetime64[us]")
    naive = [edge.astimezone(dt.UTC).replace(tzinfo=None) for edge in edges.values()]
    places = np.searchsorted(np.array(naive, dtype="datetime64[us]"), times, side="right") - 1
    outside = (places < 0) | (places >= len(PARTS))
    return np.where(outside, len(PARTS), places).astype(np.int8)


def _by_entity(spec: ModelSpec, split: EntitySplit, frame: pd.DataFrame) -> Codes:
    import pandas as pd

    codes, entities = pd.factorize(frame[_required(spec, spec.entity, "entity")])
    positions = np.array([_position(split.salt, entity) for entity in entities])
    limits = np.cumsum([getattr(split, name) for name in PARTS])[:-1]
    found: Codes = np.searchsorted(limits, positions, side="right").astype(np.int8)[codes]
    return found


def _learned_from_only(codes: Codes, feedback_rows: int) -> Codes:
    """Leave rows of feedback out of every part but training: no model is judged by what people said of answers."""
    told = np.arange(codes.size) >= codes.size - feedback_rows
    return np.where(told & (codes != 0), len(PARTS), codes).astype(np.int8)


def _required(spec: ModelSpec, column: str | None, role: str) -> str:
    if column is None:
        message = f"{spec.model}: split goes by {role} and no column has the role {role}; give it to one"
        raise DataInvalid(message)
    return column


def _position(salt: str, entity: object) -> float:
    """Return where an entity lies in [0, 1)."""
    digest = hashlib.sha256(f"{salt}:{entity}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def _require_parts(spec: ModelSpec, rows: Mapping[str, int]) -> None:
    empty = [name for name in PARTS if not rows[name]]
    if empty:
        message = (
            f"{spec.model}: split leaves {', '.join(empty)} without rows ({dict(rows)}); every part needs some; "
            "change the split's days or shares, or source.as_of"
        )
        raise DataInvalid(message)
