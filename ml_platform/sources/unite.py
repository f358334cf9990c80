"""Unite: the tables of several files as one, without losing a value; what doesn't go together is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES_SAID = 5
Parts = Sequence[tuple[str, "pa.Table"]]


def require_same_columns(parts: Parts) -> None:
    """Raise DataInvalid, naming file and columns, when a file has other columns than the first."""
    first_where, first = parts[0]
    for where, table in parts[1:]:
        lacks = [name for name in first.column_names if name not in table.column_names]
        more = [name for name in table.column_names if name not in first.column_names]
        if lacks or more:
            seen = [f"lacks {_said(lacks)}"] * bool(lacks) + [f"has besides {_said(more)}"] * bool(more)
            message = (
                f"{where}: {' and '.join(seen)}, compared with {_file(first_where)}; all files of a table must "
                "have the same columns; correct the file, or name the common ones in `columns`"
            )
            raise DataInvalid(message)


def at_odds(parts: Parts) -> list[str]:
    """Return the columns whose types in the files have no common one that keeps every value."""
    return [name for name in parts[0][1].column_names if _common(_types(parts, name)) is None]


def unite(parts: Parts) -> pa.Table:
    """Return the rows of all parts, in order, with the columns of the first; raises DataInvalid.

    A column is the one type its values have; whole and fractional numbers become fractional ones, empty columns any.
    """
    import pyarrow as pa

    require_same_columns(parts)
    first = parts[0][1].column_names
    kinds = {name: _require_common(parts, name) for name in first}
    schema = pa.schema(kinds.items())
    cast = [_cast(where, table.select(first), schema) for where, table in parts]
    return pa.concat_tables(cast)


def _types(parts: Parts, name: str) -> list[pa.DataType]:
    return list(dict.fromkeys(table.schema.field(name).type for _, table in parts))


def _common(types: Iterable[pa.DataType]) -> pa.DataType | None:
    """Return the one type that keeps the values of all, or None."""
    import pyarrow as pa

    found = [kind for kind in types if not pa.types.is_null(kind)]
    plain = list(dict.fromkeys(kind.value_type if pa.types.is_dictionary(kind) else kind for kind in found))
    if len(found) < 2:
        return found[0] if found else pa.null()
    return plain[0] if len(plain) == 1 else _widest(plain)


def _widest(plain: Sequence[pa.DataType]) -> pa.DataType | None:
    import pyarrow as pa

    if all(pa.types.is_integer(kind) for kind in plain):
        return pa.int64()
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in plain):
        return pa.float64()
    if all(pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in plain):
        return pa.large_string()
    zones = {kind.tz if pa.types.is_timestamp(kind) else "none" for kind in plain}
    if len(zones) == 1 and zones != {"none"}:
        finest = next(unit for unit in ("ns", "us", "ms", "s") if any(kind.unit == unit for kind in plain))
        return pa.timestamp(finest, next(iter(zones)))
    return None


def _require_common(parts: Parts, name: str) -> pa.DataType:
    types = _types(parts, name)
    common = _common(types)
    if common is not None:
        return common
    other = next(kind for kind in types[1:] if _common([types[0], kind]) is None)
    where = next(where for where, table in parts if table.schema.field(name).type == other)
    message = (
        f"{where}: column {name} is {other}, in {_file(parts[0][0])} it is {types[0]}; all files of a table must have "
        "the same types; write them again with one type"
    )
    raise DataInvalid(message)


def _cast(where: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    try:
        return table.cast(schema)
    except pa.ArrowException:
        worst = next((name for name in schema.names if not _casts(table, name, schema)), "?")
        message = (
            f"{where}: column {worst} holds values that {schema.field(worst).type}, the type for all files, can't "
            "keep; write the files again with one type"
        )
        raise DataInvalid(message) from None


def _casts(table: pa.Table, name: str, schema: pa.Schema) -> bool:
    import pyarrow as pa

    try:
        table[name].cast(schema.field(name).type)
    except pa.ArrowException:
        return False
    return True


def _said(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SAID
    return ", ".join(names[:_NAMES_SAID]) + (f" and {more:,} more" if more > 0 else "")


def _file(where: str) -> str:
    return where.rpartition(": ")[2]
