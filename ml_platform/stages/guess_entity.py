"""Guess entity: the column that says whose rows these are, as a comment for a person to decide on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.personal_data import NUMBER
from ml_platform.stages.personal_names import claimed

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Column


def guess_entity(frame: pd.DataFrame, contract: Mapping[str, Column]) -> list[str]:
    """Return comment lines that propose an entity: a person's number that repeats, else one, else an identifier.

    Without any of them it is only said that one is missing, and only where a column names persons.
    """
    ids = [name for name, column in contract.items() if _may_be_entity(name, column)]
    of_persons = [name for name in ids if _is_of_persons(name)]
    repeated = [name for name in of_persons if frame[name].duplicated().any()]
    found = next(iter([*repeated, *of_persons, *ids]), None)
    direct = any(column.personal_data is PersonalData.DIRECT for column in contract.values())
    if found is None and not direct:
        return []
    named = f"guess: {_shown(found)} may be one" if found is not None else "none of these seems to be one"
    why = ["  # Without an entity nobody can be forgotten (`ml-platform forget`)."] if direct else []
    return [f"  # No column has the role entity (whose row it is); {named}: give it `role: entity` if so.", *why]


def _may_be_entity(name: str, column: Column) -> bool:
    """Say whether a column identifies something: a person's number by its name, or an identifier by its values."""
    fits = Role.TARGET not in column.roles and not column.missing and column.type in {"category", "integer"}
    return fits and (_is_of_persons(name) or column.unique)


def _is_of_persons(name: str) -> bool:
    claim = claimed(name)
    return claim is not None and claim.kind == NUMBER


def _shown(name: str) -> str:
    return name[:60] if name.isprintable() else ascii(name)[:60]
