"""Content digest: the name of a table's logical content, whatever its encoding in memory or on disk.

Same columns, types, missing cells and values in the same row order give the same digest: dictionary or plain text,
chunks, 32 or 64 bits, CSV or Parquet make no difference, nor do levels that no row has. −0.0 counts as 0.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import canonical_json

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "ml-platform/table/1"


def content_digest(frame: pd.DataFrame, types: Mapping[str, str]) -> str:
    """Return the SHA-256 of the columns named in `types`, which `coerce` has brought into their canonical form."""
    digest = hashlib.sha256(canonical_json([FORMAT, len(frame), list(types.items())]).encode())
    for name, kind in types.items():
        present, parts = _parts(frame[name], kind)
        digest.update(np.packbits(present).tobytes())
        for part in parts:
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
    return digest.hexdigest()


def _parts(values: pd.Series, kind: str) -> tuple[NDArray[np.bool_], list[bytes]]:
    if kind == "category":
        return _category(values)
    present = values.notna().to_numpy()
    if kind == "number":
        filled = np.where(present, values.to_numpy(dtype=np.float64, na_value=np.nan), 0.0) + 0.0
        return present, [filled.astype("<f8").tobytes()]
    if kind == "datetime":
        whole = values.to_numpy(dtype="datetime64[us]").astype(np.int64)
        return present, [np.where(present, whole, 0).astype("<i8").tobytes()]
    return present, [values.to_numpy(dtype=np.int64, na_value=0).astype("<i8").tobytes()]


def _category(values: pd.Series) -> tuple[NDArray[np.bool_], list[bytes]]:
    codes = values.cat.codes.to_numpy()
    used = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(values.cat.categories)))
    texts = [str(level) for level in values.cat.categories[used]]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.full(len(values.cat.categories) + 1, -1, dtype="<i4")
    rank[used[order]] = np.arange(len(order))
    return codes >= 0, [canonical_json([texts[place] for place in order]).encode(), rank[codes].tobytes()]
