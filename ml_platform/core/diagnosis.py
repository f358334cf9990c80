"""A diagnosis: which circumstance changes what a model is made to, at which stage first, and what may be why."""

from __future__ import annotations

from dataclasses import dataclass

from ml_platform.core.records import SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Two makings that differ in one circumstance; `stage` and `parts` name what differs first, empty when nothing.

    A trial that wasn't `tried` says nothing: an earlier one differs already.
    """

    name: str
    tried: bool = True
    stage: str = ""
    parts: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the trials showed; `suspects` are lines of the features module that may be why."""

    schema_version: int = SCHEMA_VERSION
    model: str
    trials: tuple[Trial, ...]
    suspects: tuple[str, ...] = ()

    @property
    def deterministic(self) -> bool:
        """Say whether every trial was made and none differs."""
        return bool(self.trials) and all(one.tried and not one.stage for one in self.trials)
