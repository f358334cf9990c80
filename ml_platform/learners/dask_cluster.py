"""Dask cluster: workers to compute on, started for a stage and ended with it, or those of a scheduler that runs."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ml_platform.core.errors import Unavailable
from ml_platform.learners.engine import shape_of
from ml_platform.settings import scheduler_address, scheduler_variable

if TYPE_CHECKING:
    from ml_platform.learners.dask_client import PinnedClient
    from ml_platform.policy.spec import Compute

CONNECT_SECONDS = 10
START_SECONDS = 60
END_SECONDS = 30
# What decides the bits of a training, or whether two processes understand each other.
SAME_EVERYWHERE = ("lightgbm", "numpy", "dask", "distributed")


@contextlib.contextmanager
def open_cluster(compute: Compute) -> Iterator[PinnedClient]:
    """Give a client pinned to the declared number of workers; what was started is ended, also after an error.

    Raises Unavailable when the scheduler doesn't answer, has too few workers or other versions than this process.
    """
    _keep_quiet()
    with _existing(compute) if compute.scheduler else _started(compute) as client:
        _pin(client, compute)
        yield client


def _keep_quiet() -> None:
    """Have Dask print nothing in this process, for good: what is wrong is raised, and its last words come after it."""
    import distributed  # noqa: F401  (it adds the handlers)

    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(logging.CRITICAL)


def address_of(compute: Compute) -> str:
    """Return the scheduler's address, as stated or as the operator's setting of that name says."""
    said = compute.scheduler or ""
    if "://" in said:
        return said
    found = scheduler_address(said)
    if found is None:
        message = (
            f"compute.scheduler: {scheduler_variable(said)} isn't set; the address of a running Dask scheduler is "
            "needed there, such as tls://scheduler.example.org:8786; ask whoever runs the cluster, or remove scheduler"
        )
        raise Unavailable(message)
    return found


@contextlib.contextmanager
def _started(compute: Compute) -> Iterator[PinnedClient]:
    """Start processes on this machine that talk over TLS with keys made for them alone, and nothing of them stays."""
    import dask
    from distributed import LocalCluster

    from ml_platform.learners.dask_client import PinnedClient

    workers, threads = shape_of(compute)
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.nanny.pre-spawn-environ.OMP_WAIT_POLICY": "passive",
        # Over its memory a worker is ended; Dask would write rows to disk, unsealed, or wait.
        **{f"distributed.worker.memory.{before}": False for before in ("target", "spill", "pause")},
        "distributed.worker.memory.terminate": 1.0,
    }
    with tempfile.TemporaryDirectory(prefix="ml-platform-dask-") as folder, dask.config.set(settings):
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=threads,
                host="127.0.0.1",
                security=True,
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=compute.memory_bytes or 0,  # 0 is no limit
                local_directory=folder,
                silence_logs=logging.CRITICAL,  # said to the workers too
            )
        except (OSError, RuntimeError, TimeoutError) as error:
            message = f"compute: {workers} Dask workers couldn't be started ({error}); memory and free ports"
            raise Unavailable(f"{message} are needed; look at the machine, or declare fewer workers") from error
        for nanny in cluster.workers.values():
            nanny.auto_restart = False  # a worker that dies ends the training; another one in its place helps nobody
        try:
            with PinnedClient(cluster, timeout=CONNECT_SECONDS) as client:
                client.run(_quieten)
                yield client
        finally:
            _end(cluster)


def _quieten() -> None:
    """Send a worker's standard output nowhere: LightGBM's network writes to it past every setting."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _end(cluster: Any) -> None:  # noqa: ANN401  (a LocalCluster, whose import is dear)
    """Kill the workers, which hold nothing that is needed and may wait for a dead one for ever, then tidy up."""
    for nanny in cluster.workers.values():
        if nanny.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):  # on a busy machine; it would hide why the training ended
        cluster.close(timeout=END_SECONDS)


@contextlib.contextmanager
def _existing(compute: Compute) -> Iterator[PinnedClient]:
    from ml_platform.learners.dask_client import PinnedClient

    address = address_of(compute)
    try:
        client = PinnedClient(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        seen = f"compute.scheduler: no Dask scheduler answered at {address} within {CONNECT_SECONDS} s"
        what = f"{seen}; a running one is needed; start it, correct the address, or remove scheduler"
        raise Unavailable(what) from error
    with client:
        yield client


def restart_survivors(client: PinnedClient) -> None:
    """Start a running cluster's surviving workers anew: LightGBM in them waits for a lost one, and can't be told."""
    if client.cluster is not None:  # started for the stage, and killed with it
        return
    present = client.workers()
    alive = [worker for worker in client.layout if worker in present]
    if alive:
        client.restart_workers(alive, timeout=END_SECONDS, raise_for_error=False)


def _pin(client: PinnedClient, compute: Compute) -> None:
    count, threads = shape_of(compute)
    try:
        client.wait_for_workers(count, timeout=START_SECONDS if compute.scheduler is None else CONNECT_SECONDS)
    except TimeoutError as error:
        seen = len(client.workers())
        message = f"compute.workers: the cluster has {seen:,} workers, {count:,} are declared"
        raise Unavailable(f"{message}; start more of them, or declare fewer") from error
    workers = client.workers()
    inside = sorted(workers, key=lambda address: (str(workers[address]["name"]), address))[:count]
    require_same_versions(client, inside)
    client.pin(inside, threads=threads)


def require_same_versions(client: PinnedClient, inside: Sequence[str], names: Sequence[str] = SAME_EVERYWHERE) -> None:
    """Raise Unavailable for a worker with other versions of these libraries than this process."""
    found: Any = client.get_versions(packages=list(names))
    own = found["client"]["packages"]
    for worker in inside:
        theirs = found["workers"][worker]["packages"]
        wrong = [f"{name} {theirs.get(name)}" for name in names if theirs.get(name) != own[name]]
        if wrong:
            needed = ", ".join(f"{name} {own[name]}" for name in names)
            message = f"compute.scheduler: the worker {worker} has {', '.join(wrong)}; {needed} are needed, as here"
            raise Unavailable(f"{message}; install the same versions on the workers")
