"""Causes: what lies behind an alarm - which inputs moved, how much the model rests on them, where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.policy.spec import FileTable, PackageTable, SqlTable, UrlTable
from ml_platform.stages.alarms import MATERIAL_PSI, METRICS_OF, alarms_in

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec, Table

Columns = Mapping[str, Sequence[str]]
NAMED = 3


def _unknown() -> Columns:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What a model's inputs go into and come from.

    `lineage` names the inputs of each feature, `importance` each feature's part of all explanations; `columns_of` reads
    which columns each source table has, and is asked only when there is an alarm.
    """

    lineage: Mapping[str, Sequence[str]] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    columns_of: Callable[[], Columns] = _unknown


def explain_alarms(spec: ModelSpec, measurements: Sequence[Measurement], upstream: Upstream) -> list[Measurement]:
    """Return the measurements, those that raise an alarm with its causes, the largest first."""
    if not alarms_in(measurements):
        return list(measurements)
    tables = upstream.columns_of()
    moved = list(_moved(spec, measurements, upstream))
    return [
        replace(one, facts={**one.facts, **_causes(spec, one, moved, upstream, tables)}) if alarms_in([one]) else one
        for one in measurements
    ]


@dataclass(frozen=True, slots=True)
class _Moved:
    column: str
    psi: float
    weight: float


def _moved(spec: ModelSpec, measurements: Sequence[Measurement], upstream: Upstream) -> Iterator[_Moved]:
    """Yield the inputs that shifted by enough to matter, with how much the model rests on each."""
    weights = _weights(spec, upstream)
    for one in measurements:
        psi = one.facts.get("psi")
        is_input = one.metric == METRICS_OF["traffic"] and one.subject in weights
        if is_input and isinstance(psi, float) and psi >= MATERIAL_PSI:
            yield _Moved(one.subject, psi, weights[one.subject])


def _weights(spec: ModelSpec, upstream: Upstream) -> dict[str, float]:
    """Return how much the model rests on each input: a feature's part is its inputs', evenly; all alike if unknown."""
    if not upstream.importance:
        return dict.fromkeys(spec.inputs, 1.0)
    found = dict.fromkeys(spec.inputs, 0.0)
    for feature, part in upstream.importance.items():
        made_of = [name for name in upstream.lineage.get(feature, (feature,)) if name in found]
        for name in made_of:
            found[name] += part / len(made_of)
    return found


def _causes(
    spec: ModelSpec, alarm: Measurement, moved: Sequence[_Moved], upstream: Upstream, tables: Columns
) -> dict[str, Fact]:
    if alarm.subject in spec.inputs and alarm.metric == METRICS_OF["traffic"]:
        used = [feature for feature, columns in upstream.lineage.items() if alarm.subject in columns]
        features = {"features": ", ".join(used)} if used else {}
        return {"source_column": source_of(spec, alarm.subject, tables), **features}
    ranked = sorted(moved, key=lambda one: one.psi * one.weight, reverse=True)
    whole = sum(one.psi * one.weight for one in ranked)
    if not whole > 0:
        return {
            "cause_1": "no input that the model rests on has shifted: what the inputs mean for the outcome has changed"
        }
    return {
        f"cause_{place}": f"{one.column} ({one.psi * one.weight / whole:.0%} of what moved, PSI {one.psi:.2f}) from "
        f"{source_of(spec, one.column, tables)}"
        for place, one in enumerate(ranked[:NAMED], start=1)
        if one.weight > 0
    }


def source_of(spec: ModelSpec, column: str, tables: Columns) -> str:
    """Return where an input comes from, as `table.column (place)`; what no table has is made when they are joined."""
    holding = [name for name in spec.source.tables if column in tables.get(name, ())]
    if not holding and len(spec.source.tables) == 1 and not any(tables.values()):
        holding = list(spec.source.tables)
    if not holding:
        unread = [name for name in spec.source.tables if not tables.get(name)]
        maybe = f"; the columns of {', '.join(unread)} aren't known" if unread else ""
        return f"{column}, made when {', '.join(spec.source.tables)} are put together{maybe}"
    return " or ".join(f"{name}.{column} ({_place(spec.source.tables[name])})" for name in holding)


def _place(table: Table) -> str:
    match table:
        case PackageTable():
            return f"package {table.package}, {table.path}"
        case FileTable():
            return table.path
        case UrlTable():
            return table.url.rpartition("@")[2]
        case SqlTable():
            return f"table {table.table}" if table.table else "a query"
