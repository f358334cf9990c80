"""Changing the wrapping key of a home: a new version, every data key wrapped anew, the old version destroyed later.

No content is encrypted again. Whoever is killed at any point leaves a home in which everything opens.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import Keys, KeyVersion

GRACE = dt.timedelta(hours=1)


class Sealed(Protocol):
    """Something stored sealed, whose data key can be wrapped anew where it lies."""

    @property
    def what(self) -> str:
        """Name its kind for people."""

    def versions(self) -> tuple[str, ...]:
        """Return the key versions that it names."""

    def rewrap(self, keys: Keys) -> int:
        """Wrap its data keys under the current version; return how many weren't so already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """What wrapping anew did, and what it couldn't: each problem in words."""

    version: str
    changed: int
    problems: tuple[str, ...]


def rewrap_all(everything: Iterable[Sealed], keys: Keys) -> Rewrapped:
    """Wrap every data key under the current version; what can't be is said, and the others are done."""
    changed, problems = 0, []
    for one in everything:
        try:
            changed += one.rewrap(keys)
        except (DataInvalid, Unavailable) as error:
            problems.append(str(error))
    return Rewrapped(version=keys.current(), changed=changed, problems=tuple(problems))


def uses(everything: Iterable[Sealed]) -> Mapping[str, Counter[str]]:
    """Count by key version what names it, by kind."""
    found: dict[str, Counter[str]] = {}
    for one in everything:
        for version in one.versions():
            found.setdefault(version, Counter())[one.what] += 1
    return found


def objections(
    version: str, versions: Iterable[KeyVersion], used: Mapping[str, Counter[str]], *, now: dt.datetime
) -> list[str]:
    """Return why a version can't be retired; empty when it can.

    A process that began before the newest version was made may still be writing under an older one.
    """
    known = list(versions)
    if version not in {each.version for each in known}:
        return [f"there is no such key; there: {', '.join(each.version for each in known) or 'none'}"]
    if version == known[-1].version:
        return ["it is the current key; rotate to a new one first"]
    found = []
    if used.get(version):
        needing = ", ".join(f"{count} {what}" for what, count in sorted(used[version].items()))
        found.append(f"it is still needed by {needing}; run `ml-platform keys rotate --finish`")
    ready = known[-1].made_at + GRACE
    if now < ready:
        found.append(f"a process may still be writing under it; wait until {ready:%Y-%m-%d %H:%M} UTC")
    return found
