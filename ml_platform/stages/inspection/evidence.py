"""Evidence: what one test says of some columns, before anybody judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml_platform.core.measurement import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One hypothesis tested: `p_value` is 0 for a broken hard rule, `effect` the share of rows it is about (0..1)."""

    kind: str
    columns: tuple[str, ...]
    effect: float
    p_value: float
    n: int
    facts: Mapping[str, Fact] = field(default_factory=dict)
