"""Persons for tests, with hashes that cost next to nothing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from ml_platform.access.passwords import Cost, hash_password
from ml_platform.access.person import parse_grant
from ml_platform.access.users import FileUsers, UserRecord

if TYPE_CHECKING:
    from pathlib import Path

CHEAP = Cost(passes=1, kibibytes=8, lanes=1)
PASSWORD = "a password of twelve and more"
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PEOPLE = {
    "vera": "viewer",
    "tom": "trainer",
    "rita": "release_manager",
    "flo": "release_manager:parcels",
    "ada": "admin",
    "pia": "policy_owner",
}


def user(name: str, *grants: str, password: str = PASSWORD) -> UserRecord:
    return UserRecord(
        name=name,
        grants=tuple(map(parse_grant, grants)),
        password=hash_password(password, CHEAP) if password else "",
        added_at=NOW,
    )


def people(home: Path) -> FileUsers:
    """Return a home's users' file with one person per role that the tests speak of."""
    users = FileUsers(home, cost=CHEAP)
    for name, grant in PEOPLE.items():
        users.add(user(name, grant))
    return users
