"""A change log: what is different in a version, topic by topic, and what that did; from recorded evidence only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ml_platform.core.measurement import Measurement

Topic = Literal["data", "features", "parameters", "environment", "policy", "model file", "effect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topical:
    """What changed of one topic in plain words, and what can't be said because it wasn't recorded or is gone."""

    topic: Topic
    changes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLog:
    """What a version changes against an earlier one; `gains` are the paired comparisons that were measured of the two.

    `since` is None for a model's first version.
    """

    schema_version: int = 1
    model: str
    version: int
    evidence_digest: str
    since: int | None
    topics: tuple[Topical, ...]
    gains: tuple[Measurement, ...] = ()
