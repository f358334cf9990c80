"""Row blocks: a table cut into runs of rows, one for each worker, and what was found in each put together again."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Key = TypeVar("Key", bound=Hashable)
Rows = NDArray[np.bool_]


def row_blocks(frame: pd.DataFrame, count: int) -> list[pd.DataFrame]:
    """Return a table's rows as at most `count` blocks, in order, each with a fresh index; one block at least.

    Of a category a block keeps only the levels that its rows have.
    """
    if count == 1:
        return [frame]
    starts = np.linspace(0, len(frame), count + 1).astype(np.int64)
    blocks = [frame.iloc[start:end].reset_index(drop=True) for start, end in itertools.pairwise(starts)]
    return [_own_levels(block) for block in blocks if len(block)] or [frame]


def joined(blocks: Sequence[pd.DataFrame], found: Sequence[Mapping[Key, Rows]]) -> dict[Key, Rows]:
    """Return for each key the rows of all blocks, shape (n,); a block that doesn't name a key has none."""
    nothing = [np.zeros(len(block), dtype=np.bool_) for block in blocks]
    keys = dict.fromkeys(key for each in found for key in each)
    return {
        key: np.concatenate([each.get(key, none) for each, none in zip(found, nothing, strict=True)]) for key in keys
    }


def _own_levels(block: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    levelled = [name for name, kind in block.dtypes.items() if isinstance(kind, pd.CategoricalDtype)]
    return block.assign(**{str(name): block[name].cat.remove_unused_categories() for name in levelled})
