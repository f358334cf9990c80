"""Beyond chance: a stability index without what it is when nothing has shifted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement


def beyond_chance(index: Measurement) -> Measurement:
    """Return the index less what it is without any shift: of many levels and few rows that is most of it."""
    chance = index.facts.get("expected_without_shift")
    if index.value is None or not isinstance(chance, float):
        return index
    return dataclasses.replace(index, value=max(index.value - chance, 0.0), facts={**index.facts, "psi": index.value})
