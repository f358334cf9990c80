"""Evidence: what one test says of some columns, before anybody judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml_platform.core.measurement import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One hypothesis tested: `p_value` is 0 for a broken hard rule, `effect` the share of rows it is about (0..1).

    `least_p` is the smallest p-value that the rows of both tables, however dealt, could have given: a hypothesis that
    couldn't have been rejected needn't be paid for.
    """

    kind: str
    columns: tuple[str, ...]
    effect: float
    p_value: float
    n: int
    least_p: float = 0.0
    facts: Mapping[str, Fact] = field(default_factory=dict)
