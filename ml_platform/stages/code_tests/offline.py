"""Offline: a process that opens no connection. A guard against tests that need the network, not against an attacker."""

from __future__ import annotations

import sys

_NETWORK = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})


class NoNetwork(OSError):
    """A test, or a features module, tried to reach the network."""


def go_offline() -> None:
    """Refuse every connection of this process from now on; it can't be undone."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event in _NETWORK:
        raise NoNetwork("the network is off while code is tested")
