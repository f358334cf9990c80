"""Request: a body in one of MLflow's formats, as rows that name their columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NoReturn

import msgspec

from ml_platform.serving.refusal import Refused, shown, type_of

Rows = list[dict[str, object]]

MAXIMUM_ROWS = 10_000
FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
_decode = msgspec.json.Decoder().decode


def parse(body: bytes, *, maximum_rows: int = MAXIMUM_ROWS) -> Rows:
    """Return the rows of a request body, at least one; raises Refused when it isn't one of the formats.

    Values are not judged here. A key given twice is refused: which one was meant can't be known.
    """
    rows = _rows(body)
    if len(rows) > maximum_rows:
        message = f"the request holds {len(rows):,} rows, at most {maximum_rows:,} are answered at once: send fewer"
        raise Refused(413, "TOO_LARGE", message)
    return rows


def read_json(body: bytes) -> object:
    """Return what a body's JSON holds; raises Refused when it is none, too deep, or has a key twice."""
    try:
        content = _json(body)
        _refuse_duplicate_keys(body, content)
    except RecursionError as error:
        raise Refused(400, "BAD_REQUEST", "the body's JSON is nested too deeply; rows are flat") from error
    return content


def _rows(body: bytes) -> Rows:
    content = read_json(body)
    if not isinstance(content, dict):
        _malformed(f"the body is {type_of(content)}")
    if content.get("params"):
        _malformed("'params' says something, and this model takes no parameters")
    given = [key for key in content if key in FORMATS]
    unknown = [key for key in content if key not in FORMATS and key != "params"]
    if len(given) != 1 or unknown:
        seen = ", ".join(f"'{shown(key)}'" for key in [*given, *unknown][:5]) or "no key"
        _malformed(f"the body has {seen}")
    rows = _READERS[given[0]](content[given[0]], given[0])
    if not rows:
        _malformed(f"'{given[0]}' holds no row")
    return rows


def _json(body: bytes) -> object:
    try:
        return _decode(body)
    except msgspec.MsgspecError as error:
        if b"NaN" in body:
            return _with_nan(body)
        raise _no_json(str(error)) from error
    except UnicodeDecodeError as error:
        raise _no_utf8(error) from error


def _with_nan(body: bytes) -> object:
    """Read JSON with NaN where a value is missing, as pandas, numpy and clients built on them write it: as null."""
    try:
        return json.loads(body.decode(), parse_constant=_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise _no_utf8(error) from error
    except ValueError as error:
        raise _no_json(str(error) if isinstance(error, json.JSONDecodeError) else "a number is too long") from error


def _constant(name: str) -> None:
    if name != "NaN":
        raise _no_json(f"{name} is no number; null is a missing one")


def _no_json(seen: str) -> Refused:
    return Refused(400, "BAD_REQUEST", f"the body isn't JSON that can be used: {seen}")


def _no_utf8(error: UnicodeDecodeError) -> Refused:
    return Refused(400, "BAD_REQUEST", f"the body isn't UTF-8 (byte {error.start})")


def _malformed(seen: str) -> NoReturn:
    message = f"{seen}; needed is an object with exactly one of {', '.join(FORMATS)} (see /docs)"
    raise Refused(400, "BAD_REQUEST", message)


def _split(content: object, key: str) -> Rows:
    if not isinstance(content, dict) or not {"columns", "data"} <= content.keys() <= {"columns", "data", "index"}:
        _malformed(f"'{key}' isn't an object with 'columns' and 'data'")
    columns, data = content["columns"], content["data"]
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        _malformed(f"'{key}.columns' isn't a list of names")
    if len(set(columns)) != len(columns):
        _malformed(f"'{key}.columns' names a column twice")
    if not isinstance(data, list):
        _malformed(f"'{key}.data' is {type_of(data)}, not a list of rows")
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            _malformed(f"row {index} of '{key}.data' isn't a list of {len(columns)} values")
    return [dict(zip(columns, row, strict=True)) for row in data]


def _records(content: object, key: str) -> Rows:
    if not isinstance(content, list):
        _malformed(f"'{key}' is {type_of(content)}, not a list of rows")
    for index, row in enumerate(content):
        if not isinstance(row, dict):
            _malformed(f"row {index} of '{key}' is {type_of(row)}, not an object that names its columns")
    return content


def _inputs(content: object, key: str) -> Rows:
    return _by_column(content, key) if isinstance(content, dict) else _records(content, key)


def _by_column(content: dict[str, object], key: str) -> Rows:
    columns = {name: values if isinstance(values, list) else [values] for name, values in content.items()}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        _malformed(f"the columns of '{key}' have different lengths ({min(lengths)} to {max(lengths)})")
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


_READERS: dict[str, Callable[[object, str], Rows]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "inputs": _inputs,
    "instances": _inputs,
}


def _refuse_duplicate_keys(body: bytes, content: object) -> None:
    """Refuse a key given twice.

    The decoder keeps the last one. Every key has a colon behind it, so without duplicates the body has one colon per
    key and those inside strings; only when the count is off (or colons are escaped) is the body read again, exactly.
    """
    colons, keys = body.count(b":"), _keys(content)
    if b"\\u003" in body or (colons != keys and colons != keys + _colons(content)):
        json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        _malformed(f"the key '{shown(twice)}' is given twice in one object")
    return found


def _keys(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_keys(item) for item in value.values() if type(item) in {dict, list})
    if isinstance(value, list):
        return sum(_keys(item) for item in value if type(item) in {dict, list})
    return 0


def _colons(value: object) -> int:
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, dict):
        return sum(_colons(key) + _colons(item) for key, item in value.items())
    return sum(_colons(item) for item in value) if isinstance(value, list) else 0
