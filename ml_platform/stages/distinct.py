"""Distinct: the different values of a column, whatever it holds, and which one stands in each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def distinct_values(values: pd.Series) -> tuple[NDArray[np.intp], pd.Series]:
    """Return each row's place among the distinct present values, -1 for a missing one, and those values.

    A categorical's are its categories, used or not. Values that can't be compared (lists, dicts) stand as their text.
    """
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy().astype(np.intp), pd.Series(values.cat.categories)
    if not pd.api.types.is_object_dtype(values.dtype):
        codes, found = pd.factorize(values)
        return codes, pd.Series(found)
    try:
        codes, objects = pd.factorize(values.to_numpy(dtype=object))
    except TypeError:
        texts = [None if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]
        codes, objects = pd.factorize(np.array(texts, dtype=object))
    return codes, pd.Series(objects, dtype=object)
