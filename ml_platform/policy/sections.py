"""The parts of a model file that are well-formed, so that their meaning is checked even while others are broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.policy.expectations import Expectations
from ml_platform.policy.freezes import Freeze
from ml_platform.policy.gates import Override, Waiver
from ml_platform.policy.resources import Resources
from ml_platform.policy.row_rules import RowRule
from ml_platform.policy.schema import Annotation
from ml_platform.policy.spec import (
    Column,
    Compute,
    Deployment,
    EvaluationChoice,
    Learner,
    Monitoring,
    Objective,
    RiskClass,
    Role,
    Split,
    Table,
    Tuning,
)
from ml_platform.policy.translate import Value, validate
from ml_platform.policy.yaml_lines import Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """What can be checked; None, or left out, is what isn't well-formed. `whole` says that every column is."""

    name: str | None
    features: str | None
    tables: Mapping[str, Table]
    columns: Mapping[str, Column]
    whole: bool
    rules: Mapping[str, RowRule]
    split: Split | None
    parameters: Mapping[str, Plain]
    objective: Objective | None
    learner: Learner | None
    tuning: Tuning | None
    compute: Compute | None
    expectations: Expectations | None
    evaluation: EvaluationChoice | None
    deployment: Deployment | None
    resources: Resources | None
    risk_class: RiskClass | None
    packs: tuple[str, ...] | None
    overrides: Mapping[str, Override]
    waivers: Mapping[int, Waiver]
    freezes: Mapping[int, Freeze]
    monitoring: Monitoring | None

    def with_role(self, role: Role) -> list[str]:
        """Return the well-formed columns with a role."""
        return [name for name, column in self.columns.items() if role in column.roles]


def sections_of(attributes: Plain) -> Sections:
    """Take what is well-formed out of the `attributes` of a model file."""
    top = _mapping(attributes)
    contract, policy = _mapping(top.get("contract")), _mapping(top.get("policy"))
    learner = _mapping(top.get("learner"))
    columns = {name: column for name, raw in contract.items() if (column := _valid(Column, raw))}
    overrides = _mapping(policy.get("overrides"))
    tables = _mapping(_mapping(top.get("source")).get("tables"))
    return Sections(
        name=_valid(str, top.get("model")),
        features=_valid(str, top.get("features")),
        tables={name: table for name, raw in tables.items() if (table := _valid(Table, raw))},
        columns=columns,
        whole=bool(contract) and len(columns) == len(contract),
        rules={name: rule for name, raw in _mapping(top.get("rules")).items() if (rule := _valid(RowRule, raw))},
        split=_valid(Split, top.get("split")),
        parameters=_mapping(learner.get("parameters")),
        objective=_valid(Objective, learner.get("objective")),
        learner=_valid(Learner, learner),
        tuning=_valid(Tuning, top["tuning"]) if "tuning" in top else None,
        compute=_valid(Compute, top.get("compute")),
        expectations=_valid(Expectations, top["expectations"]) if "expectations" in top else None,
        evaluation=_valid(EvaluationChoice, top.get("evaluation", {})),
        deployment=_valid(Deployment, top.get("deployment", {})),
        resources=_valid(Resources, top.get("resources", {})),
        risk_class=_valid(RiskClass, top.get("risk_class")),
        packs=_valid(tuple[str, ...], policy.get("packs", ["base"])),
        overrides={name: override for name, raw in overrides.items() if (override := _valid(Override, raw))},
        waivers=_items(Waiver, policy.get("waivers")),
        freezes=_items(Freeze, policy.get("freezes")),
        monitoring=_valid(Monitoring, top.get("monitoring")),
    )


def _mapping(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _items(schema: Annotation, value: Plain) -> dict[int, Value]:
    """Return the well-formed entries of a list by their places."""
    return {
        index: entry
        for index, raw in enumerate(value if isinstance(value, list) else [])
        if (entry := _valid(schema, raw)) is not None
    }


def _valid(schema: Annotation, value: Plain) -> Value:
    return validate(schema, value)[0]
