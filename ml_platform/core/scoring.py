"""What a scoring request has to look like, and what the scorer needs to turn it into a score."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InputColumn:
    """One column of a scoring request; `missing` is the share of missing values that the contract allows."""

    name: str
    type: str
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] | None = None
    missing: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringContract:
    """The interface of one trained model; stored as `scoring.json` beside the trees."""

    schema_version: int = 1
    model: str
    inputs: tuple[InputColumn, ...]
    time: str | None
    features_module: str
    code_digest: str
    feature_names: tuple[str, ...]
    categorical: tuple[str, ...]
    threshold: float
    task: str = "binary"
