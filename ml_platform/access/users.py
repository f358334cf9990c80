"""The users' file: `<home>/access/users.json`, for its owner alone; names, roles, hashes of passwords and tokens.

As long as there is none, nobody is asked who they are. Once there is one, it is read anew whenever it has changed: a
person who is removed is out at once.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import stat
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from ml_platform.access.passwords import Cost, is_password
from ml_platform.access.person import Grant, Person
from ml_platform.access.quota import Quota
from ml_platform.access.tokens import TokenRecord, is_token, token_id
from ml_platform.adapters.key_file import changing, unreadable
from ml_platform.core.atomic import write_atomically
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.gate import USERS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = USERS_FILE.parent.name
SCHEMA_VERSION = 1
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A person's entry; a service has no password and signs in by token only."""

    name: str
    grants: tuple[Grant, ...]
    password: str = field(default="", repr=False)
    tokens: tuple[TokenRecord, ...] = ()
    added_at: dt.datetime
    quota: Quota = field(default_factory=Quota)

    @property
    def person(self) -> Person:
        """Return who this is, without what only the file needs to know."""
        return Person(name=self.name, grants=self.grants, quota=self.quota)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    schema_version: int
    users: tuple[UserRecord, ...]


class FileUsers:
    """The persons of a home. Several processes may use one file; a change is whole or not at all."""

    def __init__(self, home: Path, *, cost: Cost | None = None) -> None:
        self.path = home / USERS_FILE
        self.folder = self.path.parent
        self._cost = cost or Cost()
        self._known: tuple[_Stamp, dict[str, UserRecord]] | None = None

    def exist(self) -> bool:
        """Say whether there is a users' file, and so whether anybody has to say who they are."""
        return self.path.exists()

    def all(self) -> dict[str, UserRecord]:
        """Return everybody by name; raises Unavailable when the file can't be trusted."""
        try:
            state = self.path.stat()
            stamp = (state.st_mtime_ns, state.st_ino, state.st_size)
            if self._known is not None and self._known[0] == stamp:
                return self._known[1]
            content = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Unavailable(unreadable(self.path, error)) from error
        self._require_private(state.st_mode)
        users = self._parse(content)
        self._known = (stamp, users)
        return users

    def person(self, name: str) -> Person | None:
        """Return who has this name now."""
        found = self.all().get(name)
        return found.person if found else None

    def by_password(self, name: str, password: str) -> Person | None:
        """Return the person whose name and password these are."""
        found = self.all().get(name)
        right = is_password(password, found.password if found else "", self._cost)
        return found.person if found and right else None

    def by_token(self, text: str, *, now: dt.datetime) -> Person | None:
        """Return the person whose unexpired token this is."""
        if token_id(text) is None:
            return None
        for user in self.all().values():
            if any(is_token(text, kept, now=now) for kept in user.tokens):
                return user.person
        return None

    def add(self, user: UserRecord) -> None:
        """Add somebody; raises DataInvalid when the name is taken."""
        with self._changing() as users:
            if user.name in users:
                message = f"{user.name}: is there already; remove them first to give other roles or another password"
                raise DataInvalid(message)
            users[user.name] = user

    def remove(self, name: str) -> None:
        """Remove somebody with all tokens; raises DataInvalid when nobody has the name."""
        with self._changing() as users:
            self._known_name(users, name)
            del users[name]

    def add_token(self, name: str, token: TokenRecord) -> None:
        """Keep a new token of somebody's."""
        with self._changing() as users:
            user = self._known_name(users, name)
            users[name] = replace(user, tokens=(*user.tokens, token))

    def revoke(self, name: str, token: str) -> None:
        """Forget a token by its id; raises DataInvalid when it isn't there."""
        with self._changing() as users:
            user = self._known_name(users, name)
            left = tuple(kept for kept in user.tokens if kept.id != token)
            if len(left) == len(user.tokens):
                there = ", ".join(kept.id for kept in user.tokens) or "none"
                raise DataInvalid(f"{name}: has no token {token[:40]!r}; there are: {there}; name one of them")
            users[name] = replace(user, tokens=left)

    def _known_name(self, users: dict[str, UserRecord], name: str) -> UserRecord:
        if name not in users:
            known = ", ".join(sorted(users)) or "none"
            raise DataInvalid(
                f"{name[:100]}: there is nobody of this name; known: {known}; see `ml-platform users list`"
            )
        return users[name]

    def _require_private(self, mode: int) -> None:
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            message = (
                f"{self.path}: others than its owner may open it (mode {stat.S_IMODE(mode):04o}); it says who may do "
                "what, so it is for its owner alone; nobody is let in; look who is in it, then run "
                f"`chmod 600 {self.path}`"
            )
            raise Unavailable(message)

    def _parse(self, content: bytes) -> dict[str, UserRecord]:
        try:
            found = msgspec.json.decode(content, type=_File)
        except msgspec.MsgspecError as error:
            raise Unavailable(self._damaged(str(error))) from None
        if found.schema_version != SCHEMA_VERSION:
            raise Unavailable(self._damaged(f"its schema version is {found.schema_version}, {SCHEMA_VERSION} is known"))
        users = {user.name: user for user in found.users}
        if len(users) != len(found.users):
            raise Unavailable(self._damaged("a name stands in it twice"))
        return users

    def _damaged(self, why: str) -> str:
        return (
            f"{self.path}: isn't a users' file ({why}); nobody is let in; restore it from a backup, or remove it and "
            "add the persons again with `ml-platform users add`"
        )

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, UserRecord]]:
        """Yield everybody for a change that is written at the end; other processes wait meanwhile."""
        with changing(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            users = dict(self.all())
            yield users
            file = _File(schema_version=SCHEMA_VERSION, users=tuple(users[name] for name in sorted(users)))
            write_atomically(self.path, msgspec.json.format(msgspec.json.encode(file)), mode=0o600)
        finally:
            os.close(descriptor)
