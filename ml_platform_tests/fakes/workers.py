"""`FakeWorkers`: the Workers port in this process, each part as a copy, so that nothing can be shared by mistake."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class FakeWorkers:
    """So many workers; `seen` are the parts that were sent, with what they were sent for."""

    count: int = 2
    threads: int | None = 1
    seen: list[tuple[str, Any]] = field(default_factory=list)

    def each(self, doing: str, work: Callable[..., Answer], parts: Sequence[Any], *told: object) -> list[Answer]:
        self.seen.extend((doing, part) for part in parts)
        return [work(copy.deepcopy(part), *copy.deepcopy(told)) for part in parts]
