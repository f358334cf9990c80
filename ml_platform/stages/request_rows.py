"""Request rows: rows of a frame as the JSON values that a scoring request carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ml_platform.policy.spec import ModelSpec


def request_rows(spec: ModelSpec, frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return one dict per row with the inputs and the time column; missing is None, a time is ISO 8601 in UTC."""
    names = [*spec.inputs, *([spec.time] if spec.time and spec.time not in spec.inputs else [])]
    columns = {name: _values(spec.contract[name].type, frame[name]) for name in names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


_AS_JSON: dict[str, Callable[[object], object]] = {
    "integer": int,  # type: ignore[dict-item]
    "number": float,  # type: ignore[dict-item]
    "category": str,
    "boolean": bool,
}


def _values(kind: str, values: pd.Series) -> list[object]:
    missing = values.isna().to_numpy()
    if kind == "datetime":
        return [None if gone else at.isoformat() for at, gone in zip(values, missing, strict=True)]
    convert = _AS_JSON[kind]
    return [None if gone else convert(value) for value, gone in zip(values.tolist(), missing, strict=True)]
