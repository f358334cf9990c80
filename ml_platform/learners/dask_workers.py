"""Dask workers: the n-th part of a table is sent to, and computed on, the n-th worker of the layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ml_platform.core.digest import digest_of, digest_of_bytes, short
from ml_platform.core.errors import Unavailable
from ml_platform.learners.dask_client import PinnedClient
from ml_platform.learners.dask_cluster import require_same_versions
from ml_platform.learners.dask_errors import workers_needed

Answer = TypeVar("Answer")

# What the platform's own work on a part runs with, beside what training needs.
LIBRARIES = ("pandas", "pandera", "pyarrow")
_RINGS = ("core", "policy", "stats", "learners", "stages")


@dataclass(frozen=True, slots=True)
class DaskWorkers:
    """The workers that a client is pinned to; see `workers.Workers`."""

    client: PinnedClient

    @property
    def count(self) -> int:
        """Return the number of workers."""
        return len(self.client.layout)

    @property
    def threads(self) -> int | None:
        """Return the declared threads of each."""
        return self.client.threads

    def each(self, doing: str, work: Callable[..., Answer], parts: Sequence[Any], *told: object) -> list[Answer]:
        """Return `work(part, *told)` of every part, in the order of the parts."""
        with workers_needed(doing):
            asked = [self._ask(work, place, [part, *told]) for place, part in enumerate(parts)]
            found: list[Answer] = self.client.gather(asked)
        return found

    def _ask(self, work: Callable[..., Answer], place: int, given: list[object]) -> Any:  # noqa: ANN401  (a Future)
        inside = [self.client.layout[place % self.count]]
        there = self.client.scatter(given, workers=inside, hash=False)
        return self.client.submit(work, *there, workers=inside, pure=False)


def workers_of(client: PinnedClient) -> DaskWorkers:
    """Return a client's workers; Unavailable when those of a running cluster have other code than this process."""
    if client.cluster is None:
        require_same_versions(client, client.layout, LIBRARIES)
        _require_same_code(client)
    return DaskWorkers(client)


def platform_code() -> str:
    """Return the digest of what this process computes parts with."""
    root = Path(__file__).parents[1]
    paths = [path for ring in _RINGS for path in sorted((root / ring).rglob("*.py"))]
    return digest_of({path.relative_to(root).as_posix(): digest_of_bytes(path.read_bytes()) for path in paths})


def _require_same_code(client: PinnedClient) -> None:
    own = platform_code()
    needed = f"ml_platform {short(own)} is needed, as here; install the same version on the workers"
    with workers_needed("looking at the code"):
        try:
            found = client.run(platform_code, workers=list(client.layout))
        except (ImportError, AttributeError, OSError) as error:
            raise Unavailable(f"compute.scheduler: its workers can't run ml_platform ({error}); {needed}") from error
    for worker, theirs in found.items():
        if theirs != own:
            raise Unavailable(f"compute.scheduler: the worker {worker} has ml_platform {short(theirs)}; {needed}")
