"""A trial: one set of a learner's parameters that a study tried, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ml_platform.core.measurement import Fact

DEFAULT = -1
State = Literal["completed", "pruned", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial; number -1 is the learner as the model file has it.

    `losses` are the mean loss after each fold, the last of a completed trial over all of them; a failed one says why.
    """

    number: int
    state: State
    parameters: Mapping[str, Fact]
    losses: tuple[float, ...]
    seconds: float
    reason: str = ""

    @property
    def loss(self) -> float | None:
        """Return the loss over all folds; None unless the trial was completed."""
        return self.losses[-1] if self.state == "completed" else None
