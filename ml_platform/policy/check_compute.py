"""What the engine that trains has to make sense of: its workers, where its scheduler is, what it can't do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ml_platform.policy.problems import Problem, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Compute

_SETTING = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SCHEMES = ("tcp", "tls")
_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")
_INSTEAD = "name a setting, as `scheduler: cluster`, and let the operator set ML_PLATFORM_SCHEDULER_CLUSTER"
# LightGBM quietly takes `basic` instead when it trains on several machines.
_METHODS_ALONE = ("intermediate", "advanced")


def check_compute(sections: Sections) -> Iterator[Problem]:
    """Yield what doesn't fit the engine; an address with a secret in it is never repeated."""
    compute = sections.compute
    if compute is None:
        return
    for key, text in (*_worker_problems(compute), *_scheduler_problems(compute)):
        yield Problem(("compute", key), f"compute.{key} {text}")
    method = sections.parameters.get("monotone_constraints_method")
    if compute.engine == "dask" and method in _METHODS_ALONE:
        text = f"is {seen(method)}, which LightGBM has on one machine only; needed with engine dask: basic"
        where = ("learner", "parameters", "monotone_constraints_method")
        yield Problem(where, f"{'.'.join(where)} {text}")


def _worker_problems(compute: Compute) -> Iterator[tuple[str, str]]:
    if compute.engine == "dask":
        if compute.workers is None:
            yield "workers", "is missing; the trees depend on how many there are, so it is declared: add it"
        yield from _memory_problems(compute)
        return
    for key in ("workers", "threads_per_worker", "memory_per_worker", "scheduler"):
        if getattr(compute, key) is not None:
            yield key, "is given for engine local, which has none; remove it, or write `engine: dask`"


def _memory_problems(compute: Compute) -> Iterator[tuple[str, str]]:
    said = compute.memory_per_worker
    if said is not None and compute.memory_bytes is None:
        yield "memory_per_worker", f"is {seen(said)}; needed: an amount as 512MiB or 2GiB"
    elif said is not None and compute.scheduler is not None:
        text = "is given beside a scheduler, whose workers run already, with their own limit; remove one of the two"
        yield "memory_per_worker", text


def _scheduler_problems(compute: Compute) -> Iterator[tuple[str, str]]:
    said = compute.scheduler
    if said is None or _SETTING.fullmatch(said):
        return
    try:
        address = urlsplit(said)
        host, port = address.hostname, address.port
    except ValueError:
        host, port = None, None
        address = urlsplit("")
    if "@" in said or "?" in said:
        yield "scheduler", f"holds more than an address, perhaps a secret, which no model file may; {_INSTEAD}"
    elif address.scheme not in _SCHEMES or not host or port is None or address.path:
        yield "scheduler", f"is {seen(said)}; needed: an address of this machine as tcp://127.0.0.1:8786, or a setting"
    elif host not in _OWN_MACHINE:
        why = "rows go there and what comes back is run, so another machine is the operator's to name"
        yield "scheduler", f"is {seen(said)}; {why}: {_INSTEAD}"
