"""A declared breaking change: exactly which changes of which interface are meant, who answers for it, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Breaking(BaseModel):
    """Callers of the interface `interface` have to change for exactly `changes`; it excuses nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    interface: str = Field(min_length=12, max_length=64)
    changes: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=10)

    def covers(self, interface: str, changes: Iterable[str]) -> bool:
        """Say whether it declares all of these changes of this interface and no other."""
        return interface.startswith(self.interface) and set(self.changes) == set(changes)
