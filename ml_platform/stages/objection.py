"""Objections: why something is refused, each in words, and the refusal they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason against; `undecided` when evidence is missing rather than bad."""

    reason: str
    undecided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why it was not done, every reason named; `undecided` when nothing but missing evidence stands against it."""

    reasons: tuple[str, ...]
    outcome: Literal["refused", "undecided"]

    @property
    def exit_code(self) -> int:
        """Return what a command ends with: 1 refused, 3 not enough evidence."""
        return 3 if self.outcome == "undecided" else 1


def refused(objections: Sequence[Objection]) -> Refused:
    """Add objections up; needs at least one."""
    if not objections:
        message = "a refusal without a reason"
        raise ValueError(message)
    undecided = all(objection.undecided for objection in objections)
    reasons = tuple(dict.fromkeys(objection.reason for objection in objections))
    return Refused(reasons=reasons, outcome="undecided" if undecided else "refused")
