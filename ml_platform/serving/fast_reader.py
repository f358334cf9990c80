"""Fast reader: requests that keep the contract are read and checked in one step, in C.

It only ever accepts: what it doesn't accept goes the slow way (`request`, `contract_check`), which has the last word
and says every problem. What it accepts, the slow way accepts with the same rows.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, Optional

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.serving.contract_check import LARGEST_FLOAT, LARGEST_WHOLE, LONGEST_TEXT
from ml_platform.serving.request import MAXIMUM_ROWS, Rows

FORMATS = ("dataframe_records", "inputs", "instances")


class FastReader:
    """Reads bodies whose rows name their columns, for one contract."""

    def __init__(self, contract: ScoringContract) -> None:
        self._usable = _usable(contract)
        if not self._usable:
            return
        fields: list[Any] = [(f"c{index}", _type_of(column)) for index, column in enumerate(contract.inputs)]
        self._names = [column.name for column in contract.inputs]
        self._texts = [index for index, column in enumerate(contract.inputs) if column.type in {"category", "datetime"}]
        if contract.time is not None and contract.time not in self._names:
            self._texts.append(len(fields))
            fields.append(("at", str | None | UnsetType, UNSET))
            self._names.append(contract.time)
        renamed = {field[0]: name for field, name in zip(fields, self._names, strict=True)}
        row = msgspec.defstruct("Row", fields, rename=renamed, forbid_unknown_fields=True, gc=False)
        rows: Any = list[row] | UnsetType  # type: ignore[valid-type]
        body = msgspec.defstruct("Body", [(name, rows, UNSET) for name in FORMATS], forbid_unknown_fields=True)
        self._decode = msgspec.json.Decoder(body).decode
        self._may_lack_time = fields[-1:] != [] and fields[-1][0] == "at"

    def read(self, body: bytes) -> Rows | None:
        """Return the rows; None when the slow way has to look."""
        if not self._usable:
            return None
        try:
            given = [rows for rows in astuple(self._decode(body)) if rows is not UNSET]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if len(given) != 1 or not 0 < len(given[0]) <= MAXIMUM_ROWS:
            return None
        values = list(map(astuple, given[0]))
        if not self._every_key_once(body, values):
            return None
        if self._may_lack_time:
            values = [row if row[-1] is not UNSET else row[:-1] for row in values]
        names = self._names
        return [dict(zip(names, row, strict=False)) for row in values]

    def _every_key_once(self, body: bytes, rows: list[tuple[Any, ...]]) -> bool:
        """Every key has a colon behind it, so a key given twice shows as a colon too many."""
        keys = 1 + len(rows) * len(self._names)
        if self._may_lack_time:
            keys -= sum(row[-1] is UNSET for row in rows)
        colons = body.count(b":")
        if colons != keys:
            texts = [row[index] for row in rows for index in self._texts]
            keys += sum(text.count(":") for text in texts if type(text) is str)
        return colons == keys and b"\\u003" not in body


def _usable(contract: ScoringContract) -> bool:
    """Say whether the decoder can express the contract; it takes no names that JSON escapes and no empty choice."""
    names = [*(column.name for column in contract.inputs), contract.time or ""]
    escaped = any(json.dumps(name, ensure_ascii=False) != f'"{name}"' for name in names)
    return not escaped and all(column.levels is None or column.levels for column in contract.inputs)


def _type_of(column: InputColumn) -> Any:  # noqa: ANN401 - a type, made at run time
    kind = _required(column)
    return Optional[kind] if column.missing > 0 else kind  # noqa: UP045 - `|` knows no Annotated made at run time


def _required(column: InputColumn) -> Any:  # noqa: ANN401
    match column.type:
        case "integer":
            low = -LARGEST_WHOLE if column.low is None else max(math.ceil(column.low), -LARGEST_WHOLE)
            high = LARGEST_WHOLE if column.high is None else min(math.floor(column.high), LARGEST_WHOLE)
            return Annotated[int, Meta(ge=low, le=high)]
        case "number":
            low_bound = -LARGEST_FLOAT if column.low is None else column.low
            high_bound = LARGEST_FLOAT if column.high is None else column.high
            return Annotated[float, Meta(ge=float(low_bound), le=float(high_bound))]
        case "boolean":
            return bool
        case "category" if column.levels is not None:
            return Literal[tuple(column.levels)]
        case "category":
            return Annotated[str, Meta(max_length=LONGEST_TEXT)]
        case _:
            return str
