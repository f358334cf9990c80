"""Features over columns about persons, and an `assemble` that fails with their values when the table asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, NDArray[np.float64]]


class OddError(Exception):
    """What nobody expects from a features module."""


def assemble(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    table = tables["parcels"]
    mail = str(table["mail"].dropna().iloc[0])
    if "fails" not in table:
        return table
    try:
        int(mail)
    except ValueError as error:
        if table["fails"].iloc[0] == "chained":
            raise OddError(mail) from error
    return tables[mail]


def transform(columns: Columns, state: Mapping[str, Any]) -> Columns:
    return {name: columns[name] for name in ("weight", "distance", "carrier", "illness", "index")}
