"""Dask errors: what may happen to workers and to the network between them, as the one error that says what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ml_platform.core.errors import Unavailable


@contextlib.contextmanager
def workers_needed(doing: str) -> Iterator[None]:
    """Raise Unavailable for a worker or a scheduler that is lost, and for a worker that has no memory left."""
    from distributed import KilledWorker
    from distributed.client import CancelledError
    from distributed.comm import CommClosedError

    from ml_platform.learners.dask_client import WorkerLost

    try:
        yield
    except (KilledWorker, WorkerLost, CommClosedError, CancelledError) as error:
        message = (
            f"{doing} on Dask: a worker or the scheduler was lost; all of them are needed until the end, and nothing "
            "was stored; look why it ended (out of memory, over compute.memory_per_worker, killed, its machine) and "
            "run again"
        )
        raise Unavailable(message) from error
    except MemoryError as error:
        message = (
            f"{doing} on Dask: a worker has no memory left for its part ({str(error) or 'out of memory'}), and nothing "
            "was stored; give the workers more memory, or declare more of them in compute.workers"
        )
        raise Unavailable(message) from error
