"""A fault trial: a fault that was planted on purpose, and which gates saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SEVERITIES = ("small", "medium", "large")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTrial:
    """One fault, where it was planted, and what came of it.

    `size` is in `unit`. `caught_by` names what would have stopped the batch, `warned_by` what only said so. `remedy` is
    the line of the model file that would catch it when nothing did; empty when no line would. `closed_anyway` names the
    gates that close on the same rows without the fault, and so can't show it.
    """

    kind: str
    meaning: str
    severity: str
    size: float
    unit: str
    columns: tuple[str, ...]
    rows_touched: int
    caught_by: tuple[str, ...] = ()
    warned_by: tuple[str, ...] = ()
    remedy: str = ""
    closed_anyway: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """True when something would have stopped the batch."""
        return bool(self.caught_by)

    @property
    def seen(self) -> bool:
        """True when something would have stopped the batch or warned of it."""
        return bool(self.caught_by or self.warned_by)


def caught_share(trials: Sequence[FaultTrial], *, stopped: bool = False) -> float | None:
    """Return the share of the trials that were seen, or `stopped`; None when there were none."""
    return sum(trial.stopped if stopped else trial.seen for trial in trials) / len(trials) if trials else None
