"""An environment for tests: nobody's settings leak in, no third party calls out or writes to the home folder."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OURS = ("ML_PLATFORM_", "MLFLOW_", "DAGSTER_")
QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": str(Path(__file__).parents[2] / ".cache" / "matplotlib"),
    "OMP_WAIT_POLICY": "passive",
    "SE_AVOID_STATS": "true",
}


def be_quiet() -> None:
    """Forget what the person at the keyboard has set, and switch third parties' telemetry off."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    os.environ.update(QUIET)


def is_local(address: object) -> bool:
    """Say whether a socket address stays on this machine.

    >>> is_local(("127.0.0.1", 80)), is_local(("::1", 80, 0, 0)), is_local("/run/x.sock"), is_local(("192.0.2.1", 80))
    (True, True, True, False)
    """
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).partition("%")[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _only_local(getattr(socket.socket, name)))
        yield


def _only_local(connect: Callable[[socket.socket, object], object]) -> Callable[[socket.socket, object], object]:
    def guarded(self: socket.socket, address: object) -> object:
        if not is_local(address):
            raise PermissionError(f"tests stay on this machine, but something connects to {address!r}")
        return connect(self, address)

    return guarded
