"""Shown values: a feature's value of one row as people may see it; nothing of a person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.policy.spec import PersonalData

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownValues:
    """Which features are level codes or yes and no, and which are made of personal columns and never shown."""

    levels: Mapping[str, Sequence[str]]
    booleans: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def text(self, feature: str, value: float) -> str:
        """Return a feature's value; empty where it is hidden or missing."""
        if feature in self.hidden or math.isnan(value):
            return ""
        if feature in self.levels:
            known = self.levels[feature]
            return str(known[int(value)]) if 0 <= value < len(known) and value == int(value) else "another level"
        if feature in self.booleans and value in {0.0, 1.0}:
            return "true" if value else "false"
        return number_text(value)


def shown_values(
    spec: ModelSpec,
    *,
    levels: Mapping[str, Sequence[str]],
    categorical: Sequence[str],
    lineage: Mapping[str, Sequence[str]],
    names: Sequence[str],
    also_personal: frozenset[str] = frozenset(),
) -> ShownValues:
    """Return how a model's features are shown, by its contract and by which inputs each feature is made of.

    A feature of which no input is known counts as made of every input. `also_personal` names columns that are personal
    by another contract, such as a later one.
    """
    personal = also_personal | {
        name for name, column in spec.contract.items() if column.personal_data is not PersonalData.NONE
    }
    hidden = {name for name in names if name in personal or personal.intersection(lineage.get(name) or spec.inputs)}
    return ShownValues(
        levels={name: levels[name] for name in categorical if name in levels},
        booleans=frozenset(name for name in spec.inputs if spec.contract[name].type == "boolean"),
        hidden=frozenset(hidden),
    )
