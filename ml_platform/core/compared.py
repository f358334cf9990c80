"""Compared columns: how the values of a few columns are spread in a reference and in new rows, as shares of classes."""

from __future__ import annotations

from dataclasses import dataclass

# The fact of an inspection's first measurement that names where its compared columns are stored.
COMPARED = "compared_columns"
KIND = "inspections"
FILE = "columns.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedColumn:
    """One column's classes (ranges of values, levels, everything else) with their shares of all rows of each table.

    `missing` holds the reference's and the new rows' share of missing values: classes and missing make 1. A `masked`
    column tells nothing of its values: its classes are numbered.
    """

    name: str
    masked: bool
    classes: tuple[str, ...]
    reference: tuple[float, ...]
    new: tuple[float, ...]
    missing: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedColumns:
    """The columns that findings name, the worst first; `left_out` counts those beyond the first ones."""

    schema_version: int = 1
    reference_rows: int
    new_rows: int
    columns: tuple[ComparedColumn, ...]
    left_out: int = 0
