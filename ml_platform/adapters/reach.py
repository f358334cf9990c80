"""Reach: which addresses a notification may go to; private ones and other hosts only where the channel says so."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

from ml_platform.core.errors import DataInvalid, Unavailable


def require_host(host: str, hosts: Collection[str]) -> None:
    """Raise DataInvalid when a host isn't one of the channel's; names are compared whole and in small letters.

    >>> require_host("Hooks.Slack.com", ["hooks.slack.com"])
    """
    if host.rstrip(".").lower() not in {one.rstrip(".").lower() for one in hosts}:
        message = (
            f"{host[:100]!r} isn't among the channel's hosts, so nothing was sent there; add it to `hosts` in "
            "notifications.yaml if it is meant"
        )
        raise DataInvalid(message)


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet.

    >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1")
    (True, False, False, False)
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (mapped is None or mapped.is_global)


def address_of(host: str, port: int, *, private: bool) -> str:
    """Return the address of a host to connect to; all it has must be public, unless it may be private.

    Raises DataInvalid for a private address and Unavailable when the name isn't known.
    """
    try:
        found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise Unavailable(f"{host}: the name can't be resolved ({error.strerror}); check it and the network") from error
    hidden = [address for address in found if not is_public(address)]
    if hidden and not private:
        message = (
            f"{host} has the address {hidden[0]}, which isn't one of the public internet; nothing was sent; set "
            "`private_addresses: true` for the channel if it is meant"
        )
        raise DataInvalid(message)
    return found[0]
