"""Kept environment: what was installed and the files that another environment can be built from, under one digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.digest import canonical_json, digest_of_bytes, short
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.stages.environment import LOCK, Environment, lock_file

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore

KIND = "environments"
LISTED = "requirements.txt"
PROJECT = "pyproject.toml"
_INSTALLED = "environment.json"
_OURS = "ml_platform-"


def lock_of(environment: Environment) -> str:
    """Name what the environment can be built from: the lock file, or the list of what is installed; "" for neither."""
    if environment.lock_digest:
        return f"{LOCK} {environment.lock_digest}"
    return f"{LISTED} {digest_of_bytes(_listed(environment))}" if environment.distributions else ""


def keep_environment(store: ArtefactStore, environment: Environment, root: Path) -> None:
    """Keep the environment of a run under its digest with its lock file, or a list of the installed versions.

    A lock file that changed since the environment was read isn't kept: it isn't the one that is named.
    """
    if not environment.digest or store.has(KIND, environment.digest):
        return
    files = {_INSTALLED: canonical_json(environment).encode(), LISTED: _listed(environment)}
    lock = lock_file(root)
    if lock is not None and digest_of_bytes(content := _read(lock)) == environment.lock_digest:
        files[LOCK] = content
        project = lock.with_name(PROJECT)
        files |= {PROJECT: _read(project)} if project.is_file() else {}
    store.put(KIND, environment.digest, files)


def read_kept(store: ArtefactStore, digest: str) -> tuple[Environment, Mapping[str, bytes]]:
    """Return a kept environment and its files; DataInvalid when it isn't what was kept, Unavailable when it is gone."""
    files = {name: store.read(KIND, digest, name) for name in store.names(KIND, digest)}
    try:
        environment = msgspec.json.decode(files[_INSTALLED], type=Environment)
    except (msgspec.MsgspecError, KeyError) as error:
        raise DataInvalid(f"environment {short(digest)}: it can't be read ({error}); restore what was kept") from error
    lock = files.get(LOCK)
    kept = lock is not None and digest_of_bytes(lock) == environment.lock_digest
    if environment.digest != digest or (environment.lock_digest and not kept):
        message = (
            f"environment {short(digest)}: its lock file isn't the one that the training names; exactly that one is "
            "needed to build the environment again; restore what was kept, or train and release again"
        )
        raise DataInvalid(message)
    return environment, files


def _listed(environment: Environment) -> bytes:
    """Return the installed distributions as a list that an installer takes; the platform itself isn't one of them."""
    pairs = [name.rpartition("-") for name in environment.distributions if not name.startswith(_OURS)]
    return "".join(f"{name}=={version}\n" for name, _, version in pairs).encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: can't be read ({error.strerror}); it belongs to the record; correct its permissions"
        raise Unavailable(message) from error
