"""Tables for people: column schemas, column lineage and counts, as Dagster shows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.orchestration.wiring import asset_key
from ml_platform.policy.spec import PersonalData

if TYPE_CHECKING:
    from ml_platform.core.records import FeaturesRecord, SplitRecord
    from ml_platform.policy.spec import Column, ModelSpec


def snapshot_schema(spec: ModelSpec) -> dg.TableSchema:
    """Return the contract as a table schema: types, roles, what is personal, and why a column is as it is."""
    return dg.TableSchema(columns=[_column(name, column) for name, column in spec.contract.items()])


def _column(name: str, column: Column) -> dg.TableColumn:
    roles = ", ".join(sorted(role.value for role in column.roles))
    tags = {role.value: "" for role in column.roles}
    if column.personal_data is not PersonalData.NONE:
        tags["personal_data"] = column.personal_data.value
    allowed = [f"{column.range[0]:g} … {column.range[1]:g}"] if column.range else []
    allowed += [f"one of {len(column.levels)} levels"] if column.levels else []
    return dg.TableColumn(
        name=name,
        type=column.type,
        description=" ".join(filter(None, (column.description, column.reason, f"({roles})"))),
        constraints=dg.TableColumnConstraints(nullable=column.missing > 0, unique=column.unique, other=allowed),
        tags=tags,
    )


def features_schema(features: FeaturesRecord) -> dg.TableSchema:
    """Return the features as a table schema."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=name, type="category" if name in features.categorical else "number")
            for name in features.names
        ]
    )


def features_lineage(features: FeaturesRecord) -> dg.TableColumnLineage:
    """Return which snapshot columns each feature depends on, as it was found by permuting them."""
    snapshot = asset_key(features.model, "snapshot")
    return dg.TableColumnLineage(
        deps_by_column={
            name: [dg.TableColumnDep(asset_key=snapshot, column_name=column) for column in columns]
            for name, columns in features.lineage.items()
        }
    )


def parts_table(split: SplitRecord) -> dg.MetadataValue:
    """Return the parts with their rows and where each starts."""
    lines = [f"| {name} | {rows:,} | {split.boundaries.get(name, '-')} |" for name, rows in split.rows.items()]
    return dg.MetadataValue.md("\n".join(["| part | rows | from |", "|---|---|---|", *lines]))


def counts(found: Mapping[str, int], what: str) -> dg.MetadataValue:
    """Return counts as a table, largest first."""
    lines = [f"| {name} | {count:,} |" for name, count in sorted(found.items(), key=lambda item: -item[1])]
    return dg.MetadataValue.md("\n".join([f"| {what} | rows |", "|---|---|", *lines]))


def facts_table(record: object, what: str = "fact") -> dg.MetadataValue:
    """Return a record's fields as a table."""
    lines = [f"| {item.name} | {getattr(record, item.name)} |" for item in dataclasses.fields(record)]  # type: ignore[arg-type]
    return dg.MetadataValue.md("\n".join([f"| {what} | |", "|---|---|", *lines]))
