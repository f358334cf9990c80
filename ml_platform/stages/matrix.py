"""Matrix: the features of a split as arrays, and their form on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import canonical_json

if TYPE_CHECKING:
    import pandas as pd

PART, TARGET, ENTITY, TIME, WEIGHT, GROUP = "__part", "__target", "__entity", "__time", "__weight", "__group_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Features, shape (n, k), with target, part, entity, groups, time and weight of each row.

    A target is 0 or 1, the code of a class among the declared levels, or the number to predict. `categorical` names
    the features that are level codes. `entity` holds one hash per row. A group's value is its level's text or None.
    `time` is datetime64[us] in UTC.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    categorical: tuple[str, ...]
    target: NDArray[np.float64]
    part: NDArray[np.str_]
    entity: NDArray[np.uint64] | None = None
    groups: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    time: NDArray[np.datetime64] | None = None
    weight: NDArray[np.float64] | None = None

    def part_of(self, name: str) -> Matrix:
        """Return the rows of one part, in their order."""
        return self.rows_of(self.part == name)

    def rows_of(self, rows: NDArray[np.bool_]) -> Matrix:
        """Return the rows where a mask, shape (n,), is true."""
        return replace(
            self,
            values=self.values[rows],
            target=self.target[rows],
            part=self.part[rows],
            entity=None if self.entity is None else self.entity[rows],
            groups={name: values[rows] for name, values in self.groups.items()},
            time=None if self.time is None else self.time[rows],
            weight=None if self.weight is None else self.weight[rows],
        )

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one feature, shape (n,)."""
        return self.values[:, self.names.index(name)]


def matrix_digest(matrix: Matrix) -> str:
    """Return the SHA-256 of a matrix's content."""
    digest = hashlib.sha256(canonical_json([matrix.names, matrix.categorical, matrix.values.shape]).encode())
    for array in (matrix.values, matrix.target, matrix.entity, matrix.time, matrix.weight):
        digest.update(b"" if array is None else np.ascontiguousarray(array).view(np.uint8).data)
    for texts in (matrix.part, *matrix.groups.values()):
        names, codes = _coded(texts)
        digest.update(canonical_json(names).encode() + codes.tobytes())
    return digest.hexdigest()


def matrix_frame(matrix: Matrix) -> pd.DataFrame:
    """Return a matrix as the frame that is stored."""
    import pandas as pd

    columns: dict[str, Any] = {name: matrix.values[:, place] for place, name in enumerate(matrix.names)}
    columns[PART] = _categorical(matrix.part)
    columns[TARGET] = matrix.target
    if matrix.entity is not None:
        columns[ENTITY] = matrix.entity
    columns |= {f"{GROUP}{name}": _categorical(values) for name, values in matrix.groups.items()}
    if matrix.time is not None:
        columns[TIME] = pd.DatetimeIndex(matrix.time, tz="UTC")
    if matrix.weight is not None:
        columns[WEIGHT] = matrix.weight
    return pd.DataFrame(columns)


def matrix_of(frame: pd.DataFrame, names: Sequence[str], categorical: Sequence[str]) -> Matrix:
    """Return the matrix that `matrix_frame` made a frame of."""
    values = np.empty((len(frame), len(names)))
    for place, name in enumerate(names):
        values[:, place] = frame[name].to_numpy()
    groups = [name for name in frame.columns if name.startswith(GROUP)]
    return Matrix(
        values=values,
        names=tuple(names),
        categorical=tuple(categorical),
        target=frame[TARGET].to_numpy(dtype=np.float64),
        part=_texts(frame[PART]).astype(np.str_),
        entity=frame[ENTITY].to_numpy(dtype=np.uint64) if ENTITY in frame else None,
        groups={name.removeprefix(GROUP): _texts(frame[name]) for name in groups},
        time=frame[TIME].to_numpy(dtype="datetime64[us]") if TIME in frame else None,
        weight=frame[WEIGHT].to_numpy(dtype=np.float64) if WEIGHT in frame else None,
    )


def _texts(values: pd.Series) -> NDArray[np.object_]:
    names = np.array([*(str(level) for level in values.cat.categories), None], dtype=object)
    found: NDArray[np.object_] = names[values.cat.codes.to_numpy()]
    return found


def _coded(texts: NDArray[Any]) -> tuple[list[str], NDArray[np.int32]]:
    import pandas as pd

    codes, names = pd.factorize(texts)
    return [str(name) for name in names], codes.astype(np.int32)


def _categorical(texts: NDArray[Any]) -> pd.Categorical:
    import pandas as pd

    names, codes = _coded(texts)
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))
