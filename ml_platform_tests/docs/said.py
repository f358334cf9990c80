"""Compare what the guide shows with what is really said: in order, left out where the guide says so."""

from __future__ import annotations

import re

ELLIPSIS = "…"


def missing(real: str, shown: str) -> list[str]:
    """Return the lines of `shown` that `real` doesn't say in this order; `…` stands for anything, spaces for spaces."""
    lines = iter(real.splitlines())
    wanted = [line for line in shown.splitlines() if line.strip() not in {"", ELLIPSIS}]
    return [line for line in wanted if not any(_matches(line, found) for found in lines)]


def says(real: str, shown: str) -> bool:
    """Say whether every line of `shown` is said, in order.

    >>> says("a: 1\\nb:   2 x\\nc", "a: …\\n…\\nb: 2 …")
    True
    >>> says("b\\na", "a\\nb")
    False
    """
    return not missing(real, shown)


def _matches(wanted: str, found: str) -> bool:
    pattern = ".*".join(r"\s+".join(map(re.escape, part.split(" "))) for part in _plain(wanted).split(ELLIPSIS))
    return re.search(rf"^{pattern}$", _plain(found)) is not None


def _plain(line: str) -> str:
    return " ".join(line.split())
