"""Tables for people: column schemas, column lineage and counts, as Dagster shows them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.core.digest import short
from ml_platform.orchestration.wiring import asset_key
from ml_platform.policy.spec import PersonalData
from ml_platform.reports.markdown import table
from ml_platform.reports.plain_text import is_digest

if TYPE_CHECKING:
    from ml_platform.core.measurement import Fact
    from ml_platform.core.records import DeploymentRecord, FeaturesRecord, SplitRecord
    from ml_platform.policy.spec import Column, ModelSpec


def snapshot_schema(spec: ModelSpec) -> dg.TableSchema:
    """Return the contract as a table schema: types, roles, what is personal, and why a column is as it is."""
    return dg.TableSchema(columns=[_column(name, column) for name, column in spec.contract.items()])


def _column(name: str, column: Column) -> dg.TableColumn:
    tags = {role.value: "" for role in sorted(column.roles)}
    if column.personal_data is not PersonalData.NONE:
        tags["personal_data"] = column.personal_data.value
    allowed = [f"{column.range[0]:g} … {column.range[1]:g}"] if column.range else []
    allowed += [f"one of {len(column.levels)} levels"] if column.levels else []
    return dg.TableColumn(
        name=name,
        type=column.type,
        description=" ".join(filter(None, (column.description, column.reason))),
        constraints=dg.TableColumnConstraints(nullable=column.missing > 0, unique=column.unique, other=allowed),
        tags=tags,
    )


def source_schema(spec: ModelSpec, tables: Mapping[str, Sequence[str]]) -> dg.TableSchema:
    """Return the columns of all tables of a source as `table.column`, with what the contract says of each."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=f"{table}.{name}",
                type=spec.contract[name].type if name in spec.contract else "not read",
                description=spec.contract[name].description if name in spec.contract else "Not in the contract.",
                tags={"table": table},
            )
            for table, names in tables.items()
            for name in names
        ]
    )


def snapshot_lineage(spec: ModelSpec, tables: Mapping[str, Sequence[str]]) -> dg.TableColumnLineage:
    """Return which source columns each snapshot column has its name from; what none has is made in joining them."""
    source = asset_key(spec.model, "source")
    found = {
        name: [
            dg.TableColumnDep(asset_key=source, column_name=f"{table}.{name}")
            for table, names in tables.items()
            if name in names
        ]
        for name in spec.contract
    }
    return dg.TableColumnLineage(deps_by_column={name: deps for name, deps in found.items() if deps})


def facts_text(facts: Mapping[str, Fact]) -> str:
    """Say in one line how a table is read: what was stated and what was detected."""
    return ", ".join(f"{name}: {value}" for name, value in facts.items())


def features_schema(features: FeaturesRecord, contract: Mapping[str, Column]) -> dg.TableSchema:
    """Return the features as a table schema that says which columns each is made from."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type="category" if name in features.categorical else "number",
                description=_origin(name, features.lineage.get(name, ()), contract),
            )
            for name in features.names
        ]
    )


def _origin(feature: str, columns: Sequence[str], contract: Mapping[str, Column]) -> str:
    if tuple(columns) == (feature,) and feature in contract:
        return contract[feature].description
    return f"Made from {', '.join(columns)}." if columns else "No column was seen to change it."


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
    """Return a record's fields as a table; digests are cut to what people compare."""
    facts = {item.name: str(getattr(record, item.name)) for item in dataclasses.fields(record)}  # type: ignore[arg-type]
    rows = [(name.replace("_", " "), short(text) if is_digest(text) else text) for name, text in facts.items()]
    return dg.MetadataValue.md(table((what, ""), rows))


def live_facts(live: DeploymentRecord) -> dict[str, Any]:
    """Return what the page of an environment says of what is live there."""
    return {
        "version": live.version,
        "live since": when(live.since),
        "by": live.actor,
        "reason": live.reason,
        "model digest": short(live.model_digest),
        "serve it": dg.MetadataValue.text(f"ml-platform serve {live.model} --env {live.environment}"),
    }


def when(at: dt.datetime | None) -> dg.MetadataValue[Any]:
    """Return a moment as Dagster shows it in the reader's time zone."""
    return dg.MetadataValue.text("not known") if at is None else dg.MetadataValue.timestamp(at)
