"""Engine: what trains, one process or Dask workers, behind one signature."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from ml_platform.learners.lightgbm_native import Trained, fit

if TYPE_CHECKING:
    from ml_platform.learners.rows import Rows
    from ml_platform.policy.spec import Compute, Learner

_SAID = re.compile(r"^\[(num_machines|num_threads): (\d+)\]$", re.MULTILINE)


class Fit(Protocol):
    """What an engine trains with; see `lightgbm_native.fit`."""

    def __call__(
        self, learner: Learner, train: Rows, validation: Rows | None = None, *, rounds: int | None = None
    ) -> Trained:
        """Train on the rows."""


@contextlib.contextmanager
def open_engine(compute: Compute | None) -> Iterator[Fit]:
    """Give what trains on the declared engine; a cluster that this starts ends with it.

    Raises Unavailable when the engine can't be had.
    """
    if compute is None or compute.engine == "local":
        yield fit
        return
    from ml_platform.learners.dask_cluster import open_cluster
    from ml_platform.learners.lightgbm_dask import fit_on

    with open_cluster(compute) as client:
        yield functools.partial(fit_on, client)


def engine_of(compute: Compute | None) -> str:
    """Return the engine in words, with all that decides which trees grow on it."""
    if compute is None or compute.engine == "local":
        return "local"
    workers, threads = shape_of(compute)
    return f"dask, {workers} workers × {threads} thread{'s' if threads > 1 else ''}, rows dealt in turn"


def shape_of(compute: Compute) -> tuple[int, int]:
    """Return the numbers of workers and of threads in each."""
    return compute.workers or 1, compute.threads_per_worker or 1


def trained_on(model_text: str) -> tuple[int, int]:
    """Return on how many workers, and threads in each, LightGBM says that it trained; (0, 0) when it doesn't say."""
    said = {name: int(value) for name, value in _SAID.findall(model_text)}
    return said.get("num_machines", 0), said.get("num_threads", 0)
