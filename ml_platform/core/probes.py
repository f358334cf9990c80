"""Probes: what a full evaluation finds out by training or scoring again and again, as a report draws it."""

from __future__ import annotations

from dataclasses import dataclass

PROBES_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What each probe has to show beside its measurements; stored as `probes.json` in the evaluation's artefact."""

    schema_version: int = PROBES_VERSION
