"""Tensors: values of the Open Inference Protocol, as JSON or in its binary extension, from and to plain lists.

Source: the protocol's REST description, and the extension for binary data as Triton documents it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ml_platform.core.scoring import InputColumn
from ml_platform.serving.refusal import Refused, shown

DTYPES = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
BYTES = "BYTES"
_NUMERIC = frozenset(DTYPES) - {"BOOL"}
_TAKEN = {
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "boolean": frozenset({"BOOL", "FP32", "FP64"}),
    "category": frozenset({BYTES, *(name for name in _NUMERIC if "INT" in name)}),
    "datetime": frozenset({BYTES}),
}
_SPOKEN = {"integer": "INT64", "number": "FP64", "boolean": "BOOL", "category": BYTES, "datetime": BYTES}
FLAT = 2


class Tensor(msgspec.Struct, frozen=True):
    """An input tensor as it is written in JSON."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET


def datatype_of(column: InputColumn) -> str:
    """Return the datatype under which a column is described."""
    return _SPOKEN[column.type]


def values_of(tensor: Tensor, kind: str, raw: bytes | None, *, empty_is_text: bool) -> list[Any]:
    """Return a tensor's values, None where one is missing; raises Refused when they aren't what it says of them.

    `kind` is the type of its column. Missing are null, NaN, and an empty text unless `empty_is_text`.
    """
    where = f"input '{shown(tensor.name)}'"
    if tensor.datatype not in _TAKEN[kind]:
        raise malformed(f"{where} is {shown(tensor.datatype)}; of a {kind} it has to be {_listed(kind)}")
    count = _count(tensor, where)
    values = _unpacked(tensor, raw, where) if raw is not None else _flat(tensor, where)
    if len(values) != count:
        raise malformed(f"{where} holds {len(values):,} values, its shape says {count:,}")
    if kind == "boolean" and tensor.datatype != "BOOL":
        return [_truth(value) for value in values]
    no_text = tensor.datatype == BYTES and not empty_is_text
    return [None if value == "" and no_text else _present(value) for value in values]


def _listed(kind: str) -> str:
    return f"{_SPOKEN[kind]}, or one of {', '.join(sorted(_TAKEN[kind]))}"


def _count(tensor: Tensor, where: str) -> int:
    shape = tensor.shape
    if not 1 <= len(shape) <= FLAT or (len(shape) == FLAT and shape[1] != 1) or shape[0] < 0:
        raise malformed(f"{where} has the shape {shape[:5]}; one column is needed: [rows] or [rows, 1]")
    return shape[0]


def _flat(tensor: Tensor, where: str) -> list[Any]:
    if tensor.data is msgspec.UNSET:
        raise malformed(f"{where} has no data; 'data' in JSON is needed, or binary data (no shared memory)")
    data = tensor.data
    if all(type(value) is list and len(value) == 1 for value in data) and len(tensor.shape) == FLAT:
        return [value[0] for value in data]
    return data


def _unpacked(tensor: Tensor, raw: bytes, where: str) -> list[Any]:
    if tensor.datatype == BYTES:
        return _texts(raw, where)
    dtype = np.dtype(DTYPES[tensor.datatype])
    if len(raw) % dtype.itemsize:
        raise malformed(f"{where}: {len(raw):,} bytes aren't whole values of {tensor.datatype}")
    values: list[Any] = np.frombuffer(raw, dtype).tolist()
    return values


def _texts(raw: bytes, where: str) -> list[str]:
    texts, at = [], 0
    try:
        while at < len(raw):
            (length,) = struct.unpack_from("<I", raw, at)
            at += 4 + length
            if at > len(raw):
                raise malformed(f"{where}: a text ends behind its data")
            texts.append(raw[at - length : at].decode())
    except (struct.error, UnicodeDecodeError) as error:
        raise malformed(f"{where}: its data are no texts in UTF-8, each behind its length in 4 bytes") from error
    return texts


def _present(value: object) -> object:
    return None if type(value) is float and math.isnan(value) else value


def _truth(value: object) -> object:
    present = _present(value)
    return bool(present) if type(present) in {int, float} and present in {0, 1} else present


def packed(datatype: str, values: Sequence[Any]) -> bytes:
    """Return an output's values as binary data, row by row; a score that isn't there is NaN."""
    if datatype == BYTES:
        texts = [("" if value is None else value).encode() for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.array([math.nan if value is None else value for value in values], DTYPES[datatype]).tobytes()


def malformed(seen: str) -> Refused:
    """Return the refusal of a request that isn't one of this protocol."""
    return Refused(400, "BAD_REQUEST", seen)
