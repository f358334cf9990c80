"""Features over columns about persons, and an `assemble` that fails on purpose when the table asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float64]]


class OddError(Exception):
    """Something that nobody expects from a features module."""


def assemble(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    table = tables["parcels"]
    mail = table["mail"].dropna().iloc[0]
    match table.attrs.get("fails") or table.get("fails", pd.Series(["no"])).iloc[0]:
        case "ValueError":
            raise ValueError(f"{mail} is odd")
        case "KeyError":
            raise KeyError(mail)
        case "OddError":
            raise OddError(mail)
        case "chained":
            try:
                int(mail)
            except ValueError as error:
                raise OddError("odd") from error
        case "assertion":
            assert table["index"].max() < 1, table["person"].iloc[0]
    return table


def transform(columns: Columns, state: Mapping[str, Any]) -> Columns:
    return {name: columns[name] for name in ("weight", "distance", "carrier", "illness", "index")}
