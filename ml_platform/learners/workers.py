"""Workers: what computes a table's parts, this process or Dask's workers, behind one signature."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from ml_platform.policy.spec import Compute

Answer = TypeVar("Answer")


class Workers(Protocol):
    """What computes parts; `threads` are those of each worker, None when whoever asks decides."""

    @property
    def count(self) -> int:
        """Return how many compute at the same time."""

    @property
    def threads(self) -> int | None:
        """Return the threads of each."""

    def each(self, doing: str, work: Callable[..., Answer], parts: Sequence[Any], *told: object) -> list[Answer]:
        """Return `work(part, *told)` of every part, in the order of the parts; `doing` names the work in messages.

        `work` is a function of a module. Raises what it raises, and Unavailable when a worker is lost.
        """


@dataclass(frozen=True, slots=True)
class Here:
    """This process, one part after the other."""

    @property
    def count(self) -> int:
        """Return 1."""
        return 1

    @property
    def threads(self) -> int | None:
        """Return None."""
        return None

    def each(self, doing: str, work: Callable[..., Answer], parts: Sequence[Any], *told: object) -> list[Answer]:  # noqa: ARG002  (nothing is lost here)
        """Return `work(part, *told)` of every part."""
        return [work(part, *told) for part in parts]


HERE = Here()


@contextlib.contextmanager
def open_workers(compute: Compute | None) -> Iterator[Workers]:
    """Give what computes parts on the declared engine; a cluster that this starts ends with it.

    Raises Unavailable when the engine can't be had, or runs other code than this process.
    """
    if compute is None or compute.engine == "local":
        yield HERE
        return
    from ml_platform.learners.dask_cluster import open_cluster
    from ml_platform.learners.dask_workers import workers_of

    with open_cluster(compute) as client:
        yield workers_of(client)
