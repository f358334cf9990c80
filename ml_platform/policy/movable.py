"""Movable: what the subject of a prediction could change about itself before it is scored, as data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
Constant = bool | int | float | str
MOST_COLUMNS = 20
MOST_LEVELS = 100


class Move(BaseModel):
    """How far a column's value can be moved: `by` so much down or up, into a `range`, or `to` one of some levels."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    by: tuple[Finite, Finite] | None = None
    range: tuple[Finite, Finite] | None = None
    to: Annotated[tuple[Constant, ...], Field(min_length=1, max_length=MOST_LEVELS)] | None = None
