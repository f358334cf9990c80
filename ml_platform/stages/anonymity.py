"""Anonymity: how well a snapshot's quasi-identifiers hide a person among others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stats.k_anonymity import k_anonymity
from ml_platform.stats.small_class_share import small_class_share

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec


def quasi_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the quasi-identifiers, the entity itself left out: it is the person who is to be hidden."""
    return tuple(
        name
        for name, column in spec.contract.items()
        if column.personal_data is PersonalData.QUASI and Role.ENTITY not in column.roles
    )


def measure_anonymity(spec: ModelSpec, frame: pd.DataFrame) -> Iterator[Measurement]:
    """Measure the classes that all quasi-identifiers together make of the persons; nothing without such columns."""
    import pandas as pd

    names = quasi_columns(spec)
    if not names:
        return
    columns = [pd.factorize(frame[name])[0] for name in names]
    entity = None if spec.entity is None else pd.factorize(frame[spec.entity])[0]
    yield k_anonymity(*columns, entity=entity)
    yield small_class_share(*columns, entity=entity)
