"""Material: the encoded rows that a features module is tried on, and their way into another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.stages.encode import Columns

_TABLES = ("training", "rows", "requests", "promised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Rows as float columns: to `fit` on, to `transform`, the same as the service encodes them, and made ones.

    `promised` keeps the contract and nothing else. `levels` says how many levels each category has.
    """

    training: Columns
    rows: Columns
    requests: Columns
    promised: Columns
    levels: Mapping[str, int]


def to_bytes(material: Material) -> bytes:
    """Write material as a line of JSON and the columns' bytes; only for a process on the same machine."""
    tables = {name: getattr(material, name) for name in _TABLES}
    told = {
        "levels": dict(material.levels),
        "tables": {name: [list(columns), _count(columns)] for name, columns in tables.items()},
    }
    blocks = [
        np.ascontiguousarray(values, np.float64).tobytes() for columns in tables.values() for values in columns.values()
    ]
    return json.dumps(told).encode() + b"\n" + b"".join(blocks)


def of_bytes(content: bytes) -> Material:
    """Read what `to_bytes` wrote."""
    line, _, block = content.partition(b"\n")
    told = json.loads(line)
    tables, place = {}, 0
    for table, (names, count) in told["tables"].items():
        columns = {}
        for name in names:
            columns[name] = np.frombuffer(block, np.float64, count, place)
            place += 8 * count
        tables[table] = columns
    return Material(**tables, levels=told["levels"])


def _count(columns: Columns) -> int:
    return len(next(iter(columns.values()), ()))
