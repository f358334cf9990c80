"""Pinned client: a Dask client that gives LightGBM's Dask interface a fixed layout, and that sees a worker die.

LightGBM asks its client where the parts lie and numbers its machines in the order of the answer; Dask answers in an
order that changes from run to run. LightGBM then waits for all machines for ever, also for one that is dead.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from distributed import Client, Future

LOOK_SECONDS = 0.2
_OVER = ("error", "cancelled", "lost")


class WorkerLost(Exception):
    """A worker of the layout is gone, or was started anew, while it had work."""


class PinnedClient(Client):
    """A client whose n-th part is computed and found on the layout's n-th worker, with `threads` threads each."""

    layout: tuple[str, ...] = ()
    threads: int = 1
    _alive: Mapping[str, str] = {}

    def pin(self, layout: Iterable[str], *, threads: int) -> None:
        """Fix the workers' order; from now on one of them that leaves is noticed."""
        self.layout, self.threads = tuple(layout), threads
        self._alive = self._present()

    def workers(self) -> Mapping[str, Any]:
        """Return what the scheduler says of all workers, by address.

        Asked anew: what `scheduler_info` returns may be replaced meanwhile by an answer that names no worker.
        """
        scheduler: Any = self.scheduler
        found: Mapping[str, Any] = self.sync(scheduler.identity, n_workers=-1)["workers"]
        return found

    def compute(self, collections: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (as Dask's own)
        """Compute the n-th of a list on the n-th worker and wait for all; anything else as Dask does.

        Raises as `gather`: LightGBM itself takes a part that failed for a model.
        """
        if not isinstance(collections, list) or len(collections) != len(self.layout):
            return super().compute(collections, *args, **options)
        parts = zip(collections, self.layout, strict=True)
        placed = [super(PinnedClient, self).compute(part, workers=[worker]) for part, worker in parts]
        self._wait_for(placed)
        return placed

    def scatter(self, data: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Send data as Dask does, straight to workers that were started here; raises WorkerLost for one that is gone.

        Dask's own way leads through the scheduler, which is in this process then: every row would be sent twice.
        """
        direct = self.cluster is not None
        self._require_alive()
        try:
            return super().scatter(data, *args, **{"direct": direct, **options})
        except KeyError as error:
            raise WorkerLost(str(error)) from error
        except OSError as error:
            if not direct:
                raise
            raise WorkerLost(str(error)) from error

    def who_has(self, futures: Any = None, **options: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401
        """Answer in the order of the question."""
        found = super().who_has(futures, **options)
        return found if futures is None else {future.key: found[future.key] for future in futures}

    def ncores(self, *_: Any, **__: Any) -> dict[str, int]:  # noqa: ANN401
        """Return the declared number of threads of every worker of the layout."""
        return dict.fromkeys(self.layout, self.threads)

    def gather(self, futures: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Wait for all, but no longer than all workers live; raises WorkerLost, or what a worker raised."""
        self._wait_for([one for one in _leaves(futures) if isinstance(one, Future)])
        return super().gather(futures, *args, **options)

    def _wait_for(self, waiting: list[Future[Any]]) -> None:
        while self.layout and not all(future.done() for future in waiting):
            if any(future.status in _OVER for future in waiting):
                break
            self._require_alive()
            time.sleep(LOOK_SECONDS)
        for future in waiting:
            if future.status in _OVER:
                future.result()

    def _require_alive(self) -> None:
        present = self._present()
        lost = [worker for worker, life in self._alive.items() if present.get(worker) != life]
        if lost:
            raise WorkerLost(", ".join(lost))

    def _present(self) -> dict[str, str]:
        """Return each worker of the layout with the folder it made when it was started."""
        workers = self.workers()
        return {worker: workers[worker]["local_directory"] for worker in self.layout if worker in workers}


def _leaves(futures: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(futures, Mapping):
        return list(futures.values())
    return list(futures) if isinstance(futures, list | tuple) else [futures]
