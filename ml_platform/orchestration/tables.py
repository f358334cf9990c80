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


def snapshot_schema(spec: ModelSpec, tables: Mapping[str, Sequence[str]]) -> dg.TableSchema:
    """Return the contract as a table schema: types, roles, what is personal, why a column is so and where it is from.

    `tables` are the source's with their columns, as far as these are known.
    """
    return dg.TableSchema(
        columns=[_column(name, one, _comes_from(name, tables)) for name, one in spec.contract.items()]
    )


def _column(name: str, column: Column, comes_from: Sequence[str]) -> dg.TableColumn:
    tags = {role.value: "" for role in sorted(column.roles)}
    if column.personal_data is not PersonalData.NONE:
        tags["personal_data"] = column.personal_data.value
    allowed = [f"{column.range[0]:g} … {column.range[1]:g}"] if column.range else []
    allowed += [f"one of {len(column.levels)} levels"] if column.levels else []
    return dg.TableColumn(
        name=name,
        type=column.type,
        description=" ".join(filter(None, (_about(column), f"From {' or '.join(comes_from)}." if comes_from else ""))),
        constraints=dg.TableColumnConstraints(nullable=column.missing > 0, unique=column.unique, other=allowed),
        tags=tags,
    )


def _about(column: Column) -> str:
    return " ".join(filter(None, (column.description, column.reason)))


def source_tables(spec: ModelSpec, tables: Mapping[str, Sequence[str]]) -> dict[str, dg.MetadataValue[Any]]:
    """Return the columns of each source table with what the contract says of them.

    They are Markdown, because Dagster shows a column schema of what was materialised, not of what was observed.
    """
    return {
        f"columns of {name}": dg.MetadataValue.md(
            table(("column", "type", "what it is"), [_source_column(spec, one) for one in names])
        )
        for name, names in tables.items()
        if names
    }


def _source_column(spec: ModelSpec, name: str) -> tuple[str, str, str]:
    column = spec.contract.get(name)
    return (name, "-", "not in the contract") if column is None else (name, column.type, _about(column))


def snapshot_lineage(spec: ModelSpec, tables: Mapping[str, Sequence[str]]) -> dg.TableColumnLineage:
    """Return which source columns each snapshot column has its name from; what none has is made in joining them."""
    source = asset_key(spec.model, "source")
    return dg.TableColumnLineage(
        deps_by_column={
            name: [dg.TableColumnDep(asset_key=source, column_name=one) for one in found]
            for name in spec.contract
            if (found := _comes_from(name, tables))
        }
    )


def _comes_from(column: str, tables: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{name}.{column}" for name, names in tables.items() if column in names]


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
