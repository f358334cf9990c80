"""A process that sends one message through Apprise and ends; it reaches the named hosts and nothing else.

The guard is an audit hook of Python, which nothing in the process can take back: any name that is resolved and any
address that is connected to is looked at, whatever the plug-in or a redirect asks for.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import re
import sys
from collections.abc import Iterator

_STATUS = re.compile(r"error=(\d{3})")


class _Refused(OSError):
    """A connection that the channel doesn't allow; libraries treat it as a network that is down."""


def main() -> int:
    """Send what standard input says, and say on standard output whether it was delivered, or why not."""
    order = json.loads(sys.stdin.buffer.read())
    with contextlib.redirect_stdout(sys.stderr):
        answer = _send(order)
    sys.stdout.write(json.dumps(answer))
    return 0


def _send(order: dict[str, object]) -> dict[str, object]:
    import apprise

    heard = _listen()
    # It is loaded before the guard stands: what it reads and starts while it loads isn't what a URL asks for.
    plugin = apprise.Apprise.instantiate(str(order["url"]))
    if plugin is None:
        return {"delivered": False, "why": "Apprise knows no such address; see https://github.com/caronc/apprise/wiki"}
    refused: list[str] = []
    _guard([str(one) for one in _list(order["hosts"])], private=bool(order["private"]), refused=refused)
    sent = plugin.notify(body=str(order["body"]), title=str(order["title"]), notify_type=apprise.NotifyType.INFO)
    if sent and not refused:
        return {"delivered": True, "why": ""}
    status = next((found[1] for line in heard if (found := _STATUS.search(line))), "")
    why = (
        refused[0] if refused else f"it answered {status}" if status else "it can't be reached, or refused the message"
    )
    return {"delivered": False, "why": why}


def _listen() -> list[str]:
    """Keep what Apprise says of failures: it may hold secrets, so that only a status is taken out of it."""
    heard: list[str] = []

    class _Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [_Keep()], False
    return heard


def _guard(hosts: list[str], *, private: bool, refused: list[str]) -> None:
    from ml_platform.adapters.reach import is_public, require_host
    from ml_platform.core.errors import DataInvalid

    def refuse(why: str) -> None:
        refused.append(why)
        raise _Refused(why)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}:
            refuse("it wants to start a program, which no channel may")
        if event == "socket.getaddrinfo" and arguments[0] is not None:
            asked = arguments[0]
            name = asked.decode("ascii", "replace") if isinstance(asked, bytes) else str(asked)
            try:
                require_host(name, hosts)
            except DataInvalid as error:
                refuse(str(error))
        if event == "socket.connect":
            for address in _address(arguments[1]):
                if not private and not is_public(address):
                    refuse("it leads to an address that isn't one of the public internet; see `private_addresses`")
                return
            refuse("it wants to reach something that isn't a host")

    sys.addaudithook(watch)


def _address(target: object) -> Iterator[str]:
    """Yield the IP address of what is connected to, if it is one."""
    if isinstance(target, tuple) and target and isinstance(target[0], str):
        with contextlib.suppress(ValueError):
            yield str(ipaddress.ip_address(target[0].partition("%")[0]))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


if __name__ == "__main__":
    sys.exit(main())
