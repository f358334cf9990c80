"""The seal on a run: who launched it through the web server, so that a tag alone convinces nobody.

The web server writes two tags: the person's name, and a code over name and run under a key that lies in
`<home>/access/seal.key`. Whoever can write Dagster's database but not read the key can't speak for somebody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from ml_platform.access.users import FOLDER
from ml_platform.adapters.key_file import changing, require_private, unreadable, write_private
from ml_platform.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "seal.key"
BYTES = 32
LAUNCHED_BY = "ml_platform/launched_by"
SEAL = "ml_platform/launched_by_seal"


def seal_key(home: Path) -> bytes:
    """Return the key of a home; the first call makes it. Raises Unavailable when it can't be trusted."""
    path = home / FOLDER / FILE
    if not path.exists():
        with changing(path), contextlib.suppress(FileExistsError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, secrets.token_bytes(BYTES))
    return _read(path)


def launcher_tags(home: Path, run_id: str, name: str) -> dict[str, str]:
    """Return the tags that say who launched a run."""
    return {LAUNCHED_BY: name, SEAL: _seal(seal_key(home), run_id, name)}


def launcher(home: Path, run_id: str, tags: Mapping[str, str]) -> str | None:
    """Return who launched a run; None when nobody vouches for it: no seal, another run's, or a forged one."""
    name, seal = tags.get(LAUNCHED_BY), tags.get(SEAL)
    path = home / FOLDER / FILE
    if name is None or seal is None or not path.exists():
        return None
    right = _seal(_read(path), run_id, name)
    return name if hmac.compare_digest(seal.encode(), right.encode()) else None


def _read(path: Path) -> bytes:
    try:
        content, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise Unavailable(unreadable(path, error)) from error
    require_private(path, mode)
    if len(content) != BYTES:
        message = (
            f"{path}: has {len(content)} bytes, {BYTES} are needed; it is damaged; remove it, sign in and launch anew"
        )
        raise Unavailable(message)
    return content


def _seal(key: bytes, run_id: str, name: str) -> str:
    return hmac.new(key, f"launched\n{run_id}\n{name}".encode(), hashlib.sha256).hexdigest()
