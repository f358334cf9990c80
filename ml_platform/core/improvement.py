"""An improvement: what the record says would help a model most, and how well earlier releases kept their promise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing that would help: what, why in numbers, and the share of the loss that it could save.

    `saving` is the lower bound of that share, by which advice is ranked; None where the record doesn't tell it.
    """

    what: str
    why: str
    n: int
    saving: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a version promised and what came true: the text of both, and whether they agree as far as can be told."""

    version: int
    of: str
    promised: str
    came_true: str
    agrees: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """Advice, the most helpful first; promises of releases; what couldn't be looked at, and why."""

    model: str
    advice: tuple[Advice, ...]
    kept: tuple[Kept, ...]
    missing: tuple[str, ...]

    @property
    def told(self) -> tuple[Kept, ...]:
        """Return the promises of which it can be told whether they were kept."""
        return tuple(one for one in self.kept if one.agrees is not None)
