"""Release files: what lies in a model's folder is looked at, and compared with its digest, before anything is parsed.

Only plain files of known names, not too large together, are opened. So a pipe can't make the service wait, nor a file
without end fill its memory.
"""

from __future__ import annotations

from pathlib import Path

from ml_platform.core.errors import DataInvalid
from ml_platform.core.plain_file import require_plain
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.scoring import FILES
from ml_platform.stages.bundle import KIND, is_allowed, read_verified

MOST_BYTES = 1 << 30
MOST_FILES = 200
HINT = "restore the artefact, or train and release again"


def require_files(store: ArtefactStore, digest: str) -> None:
    """Raise DataInvalid unless a model's folder holds exactly the files of its digest, Unavailable when it is gone."""
    require_plain_files(store.folder(KIND, digest))
    read_verified(store, digest)


def require_plain_files(folder: Path) -> None:
    """Raise DataInvalid unless a folder holds plain files of known names only, of a bearable size together."""
    left = MOST_BYTES
    for number, path in enumerate(sorted(folder.iterdir())):
        if number >= MOST_FILES or not (path.name == FILES or is_allowed(path.name)):
            message = f"{folder}: it holds {path.name[:80]!r}, which isn't part of a model; nothing else may lie there"
            raise DataInvalid(f"{message}; remove it")
        state = path.lstat()
        require_plain(path, state, most_bytes=left, hint=HINT)
        left -= state.st_size
