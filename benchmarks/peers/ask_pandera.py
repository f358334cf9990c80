"""pandera's inferred schema: what it infers of the reference, every batch has to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.pandas as pa
from asking import answer
from pandera.errors import SchemaErrors

if TYPE_CHECKING:
    import pandas as pd


def ask(reference: pd.DataFrame, batch: pd.DataFrame) -> dict[str, bool]:
    """Validate the batch; a schema error is an alarm."""
    try:
        pa.infer_schema(reference).validate(batch, lazy=True)
    except SchemaErrors:
        return {"": True}
    return {"": False}


if __name__ == "__main__":
    answer("pandera", ("",), ask)
