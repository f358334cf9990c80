"""Mitigation: what it would take to select groups of people alike, as measured; nothing of it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml_platform.core.measurement import Measurement

AS_IS, OWN_THRESHOLDS, EQUAL_SHARES, REWEIGHED = "as is", "own thresholds", "equal shares", "reweighed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to decide about the holdout's rows, and what comes of it.

    `ratios` are the selection-rate ratios, `quality` recall, precision, accuracy and, where costs are declared, the
    expected cost, `changes` the same minus those of the model as it is, on the same rows. Per group: the share
    selected, and the rows selected in addition and no longer. `thresholds` are those that differ from the model's.
    `reason` says why nothing could be measured.
    """

    name: str
    ratios: tuple[Measurement, ...] = ()
    quality: tuple[Measurement, ...] = ()
    changes: tuple[Measurement, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    gained: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mitigation:
    """The ways to decide, as the model does first; `limits` are those of the ratios by metric, `columns` the groups."""

    schema_version: int = 1
    columns: tuple[str, ...]
    limits: Mapping[str, float]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MitigationRecord:
    """Where a mitigation is kept, and of which model it is."""

    schema_version: int = 1
    model: str
    digest: str
    model_digest: str
