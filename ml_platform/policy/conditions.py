"""When a gate applies: the closed list of conditions, what each means, and which of them hold for a model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ml_platform.policy.gates import Condition
from ml_platform.policy.spec import ModelSpec, PersonalData, Role

MEANINGS: Mapping[Condition, str] = MappingProxyType(
    {
        "always": "always",
        "groups": "the contract has a column with the role group",
        "entity": "the contract has a column with the role entity",
        "quasi": "the contract has a quasi-identifier besides the entity",
        "time": "the rows are split by time",
        "champion": "another version is live to compare with",
        "labels": "outcomes are known for the window",
        "reference": "there is an earlier snapshot to compare with",
        "new_rows": "there are rows that the earlier snapshot doesn't hold",
        "distributed": "the model is trained on several workers",
    }
)


def conditions_of(
    spec: ModelSpec, *, champion: bool = False, reference: bool = False, new_rows: bool = False, labels: bool = False
) -> frozenset[Condition]:
    """Return the conditions that hold: five follow from the model file, the caller knows the others."""
    holds: dict[Condition, bool] = {
        "always": True,
        "groups": bool(spec.columns(Role.GROUP)),
        "entity": spec.entity is not None,
        "quasi": any(
            column.personal_data is PersonalData.QUASI and Role.ENTITY not in column.roles
            for column in spec.contract.values()
        ),
        "time": spec.split.kind == "time",
        "champion": champion,
        "labels": labels,
        "reference": reference,
        "new_rows": new_rows,
        "distributed": spec.is_distributed,
    }
    return frozenset(condition for condition, true in holds.items() if true)
