"""What a stage may use of a machine, as the model file declares it; nothing is limited that isn't declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_UNITS: Mapping[str, int] = {"MiB": 2**20, "GiB": 2**30}
_MEMORY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(MiB|GiB)")
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class StageResources(_Strict):
    """One stage's share of a machine: cores, memory of its process, wall time, threads; None is not limited."""

    cpus: Positive | None = None
    memory: str | None = None
    seconds: Positive | None = None
    threads: Annotated[int, Field(ge=1)] | None = None

    @property
    def memory_bytes(self) -> int | None:
        """Return the memory as a number of bytes; a text that isn't one was refused when the file was checked."""
        return None if self.memory is None else bytes_of(self.memory)


def _unsaid(entry: object) -> bool:
    """Say whether a later stage's entry isn't used: then it isn't written down, and older files keep their digests."""
    return entry == StageResources()


class Resources(_Strict):
    """What each op may use, by its stage: `snapshot` makes the quarantine too, `evaluation` the report.

    `default` holds for every field that a stage doesn't state; `budget` is what the stages of one run may cost
    together, in the currency of the price table.
    """

    default: StageResources = StageResources()
    budget: Positive | None = None
    source: StageResources = StageResources()
    snapshot: StageResources = StageResources()
    split: StageResources = StageResources()
    features: StageResources = StageResources()
    model: StageResources = StageResources()
    evaluation: StageResources = StageResources()
    release: StageResources = StageResources()
    staging: StageResources = StageResources()
    production: StageResources = StageResources()
    cost: StageResources = StageResources()
    dossier: StageResources = StageResources()
    traffic: StageResources = StageResources()
    monitoring: StageResources = StageResources()
    feedback: StageResources = StageResources()
    health: StageResources = Field(default=StageResources(), exclude_if=_unsaid)

    def of(self, stage: str) -> StageResources:
        """Return what a stage may use: its own words, and the default's where it has none."""
        own: StageResources = getattr(self, stage)
        return self.default.model_copy(update=own.model_dump(exclude_none=True))

    def stated(self) -> Iterator[tuple[str, StageResources]]:
        """Yield the entries of the section that say something, the default first."""
        for name in type(self).model_fields:
            entry = getattr(self, name)
            if isinstance(entry, StageResources) and entry != StageResources():
                yield name, entry


def bytes_of(text: str) -> int | None:
    """Read an amount of memory; None when it isn't one, or nothing.

    >>> bytes_of("1.5GiB"), bytes_of("512MiB"), bytes_of("2GB"), bytes_of("0MiB")
    (1610612736, 536870912, None, None)
    """
    found = _MEMORY.fullmatch(text)
    return (int(float(found[1]) * _UNITS[found[2]]) or None) if found else None
