"""The gate kinds: how a limit is stated as data. Each kind has its case in `judge`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml_platform.policy.freezes import Freeze

Finite = Annotated[float, Field(allow_inf_nan=False)]
Condition = Literal[
    "always", "groups", "several_groups", "entity", "quasi", "time", "champion", "labels", "reference", "new_rows",
    "own_tests", "tuning", "binary", "multiclass", "regression", "quantile", "cost_history", "limits", "budget",
    "distributed", "edge_cases", "invariances", "directions", "full", "full_champion", "costs", "movable",
    "by_chance", "feedback", "much_feedback", "incidents", "watched_now", "endings", "service_address",
]  # fmt: skip
Bound = Literal["value", "low", "high", "interval"]
Subject = Annotated[str, Field(min_length=1)]


def _unsaid(value: object) -> bool:
    """Say whether a later option isn't used: then it isn't written down, and older policies keep their digests."""
    return value is None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Gate(_Strict):
    """What every kind of gate says; `reveals` is the smallest fault that the evidence must have been able to show.

    With `subjects` it judges only these columns, features, groups or slices, and each has to have been measured.
    """

    control: str
    stage: str
    metric: str
    severity: Literal["block", "warn"] = "block"
    when: Condition = "always"
    subjects: tuple[Subject, ...] | None = Field(default=None, min_length=1, exclude_if=_unsaid)
    minimum_n: int = Field(default=1, ge=1)
    reveals: Finite | None = Field(default=None, gt=0.0)
    why: str = Field(min_length=1)
    next_step: str = Field(min_length=1)


class AtLeast(_Gate):
    """The judged bound (`value`, `low` or `high` of the interval) is at least `limit`.

    On `interval` a gate passes when the whole interval is within the limit, fails when all of it is beyond, and is
    undecided between: the evidence shows neither.
    """

    kind: Literal["at_least"]
    limit: Finite
    judged_on: Bound = "value"


class AtMost(_Gate):
    """The judged bound is at most `limit`."""

    kind: Literal["at_most"]
    limit: Finite
    judged_on: Bound = "value"


class Between(_Gate):
    """The value lies in [limit[0], limit[1]]."""

    kind: Literal["between"]
    limit: tuple[Finite, Finite]
    judged_on: Bound = "value"


class Holds(_Gate):
    """A fact is true: the value is exactly 1."""

    kind: Literal["holds"]


Gate = Annotated[AtLeast | AtMost | Between | Holds, Field(discriminator="kind")]


class Override(_Strict):
    """A model's own words on a gate; only tighter ones are accepted without a waiver."""

    limit: Finite | tuple[Finite, Finite] | None = None
    severity: Literal["block", "warn"] | None = None
    minimum_n: int | None = Field(default=None, ge=1)
    reveals: Finite | None = Field(default=None, gt=0.0)
    why: str | None = Field(default=None, min_length=1)


class Waiver(_Strict):
    """A named person lets a closed gate open until a day."""

    gate: str
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=10)
    expires: dt.date


class Pack(_Strict):
    """A named set of gates; `extends` names the packs it builds on."""

    pack: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    description: str = Field(min_length=1)
    extends: tuple[str, ...] = ()
    approvals: dict[Literal["staging", "production"], Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    signed_approvals: bool = False
    freezes: tuple[Freeze, ...] = ()
    gates: dict[str, Gate] = Field(default_factory=dict)
    overrides: dict[str, Override] = Field(default_factory=dict)
