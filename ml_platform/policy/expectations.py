"""Expectations: what a model's author says its answers must be like, as data: rows, exchanges and moves of inputs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Constant = bool | int | float | str
# What a share of rows stays below is proven on a sample, so that it is neither nothing nor everything.
Allowed = Annotated[float, Field(gt=0.0, lt=1.0)]
MOST_CASES = 200
MOST_ENTRIES = 50


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class EdgeCase(_Strict):
    """One row of inputs (null is missing) and the answer to it: a range of the score, a decision, or both.

    Of several classes the score is the probability of the class `of`, and a decision is the likeliest class.
    """

    row: dict[Text, Constant | None] = Field(min_length=1)
    at_least: Finite | None = None
    at_most: Finite | None = None
    decision: Text | None = None
    of: Text | None = None


class Invariant(_Strict):
    """Columns that must not matter: exchanged with another row's, or one value with another, few decisions change.

    A predicted number changes when it moves by more than `within`.
    """

    columns: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MOST_ENTRIES)]
    values: tuple[Constant, Constant] | None = None
    within: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None
    at_most: Allowed

    @property
    def subject(self) -> str:
        """Return what a measurement of it is about."""
        return " and ".join(self.columns) + (f": {self.values[0]} or {self.values[1]}" if self.values else "")


class Directional(_Strict):
    """A number that is moved `by` an amount or a `factor`: the score may go the other way in few rows.

    Of several classes the score is the probability of the class `of`.
    """

    column: Text
    by: Finite | None = None
    factor: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    score: Literal["rises", "falls"]
    of: Text | None = None
    at_most: Allowed

    @property
    def subject(self) -> str:
        """Return what a measurement of it is about."""
        moved = f"{self.by:+g}" if self.by is not None else f"x {self.factor:g}"
        return f"{self.column} {moved}" + (f": {self.of}" if self.of else "")


class Expectations(_Strict):
    """Edge cases by name, invariances and directions; each entry is measured and judged for itself."""

    edge_cases: dict[Name, EdgeCase] = Field(default_factory=dict, max_length=MOST_CASES)
    invariant: Annotated[tuple[Invariant, ...], Field(max_length=MOST_ENTRIES)] = ()
    directional: Annotated[tuple[Directional, ...], Field(max_length=MOST_ENTRIES)] = ()
