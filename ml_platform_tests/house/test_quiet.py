"""The guards that keep tests on this machine."""

from __future__ import annotations

import os
import socket

import pytest

from ml_platform_tests.house.quiet import OURS, QUIET, is_local


@pytest.mark.parametrize(
    "address", [("127.0.0.1", 1), ("127.8.8.8", 1), ("localhost", 1), ("::1", 1, 0, 0), "/run/x.sock"]
)
def test_an_address_of_this_machine_is_local(address: object) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", [("192.0.2.1", 1), ("2001:db8::1", 1, 0, 0), ("example.org", 1), ("0.0.0.0", 1)])  # noqa: S104
def test_any_other_address_is_not(address: object) -> None:
    assert not is_local(address)


def test_a_connection_to_another_machine_is_refused() -> None:
    with (
        socket.socket() as client,
        pytest.raises(PermissionError, match=r"something connects to \('192\.0\.2\.1', 9\)"),
    ):
        client.connect(("192.0.2.1", 9))


def test_a_connection_to_this_machine_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_only_quiet_settings_of_third_parties_are_set() -> None:
    assert {name for name in os.environ if name.startswith(OURS)} <= QUIET.keys()
    assert {name: os.environ[name] for name in QUIET} == QUIET
