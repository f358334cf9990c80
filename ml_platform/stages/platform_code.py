"""Platform code: the platform's own source under one digest, kept with what it made, so that it can run again.

The governed models in `defs/` are left out: each has a model file and a features module of its own.
"""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, digest_of_bytes, short
from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore

KIND = "platforms"
ARCHIVE = "ml_platform.zip"
PACKAGE = "ml_platform"
_SUFFIXES = frozenset({".css", ".j2", ".py", ".typed", ".yaml"})
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@functools.cache
def platform_digest() -> str:
    """Return the digest of the platform's own source files."""
    return files_digest(platform_files())


def platform_files() -> dict[str, bytes]:
    """Return the platform's source files by their path from the package's folder on."""
    root = Path(__file__).parents[1]
    found = sorted(path for path in root.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
    named = {path.relative_to(root).as_posix(): path for path in found}
    return {f"{PACKAGE}/{name}": path.read_bytes() for name, path in named.items() if not _is_a_model(name)}


def files_digest(files: Mapping[str, bytes]) -> str:
    """Return the digest of source files by name and content."""
    return digest_of({name: digest_of_bytes(content) for name, content in files.items()})


def keep_platform(store: ArtefactStore) -> str:
    """Keep the platform's source under its digest, unless it is there, and return that digest."""
    digest = platform_digest()
    if not store.has(KIND, digest):
        store.put(KIND, digest, {ARCHIVE: _packed(platform_files())})
    return digest


def read_platform(store: ArtefactStore, digest: str) -> dict[str, bytes]:
    """Return kept source files by path; DataInvalid when they aren't those of the digest, Unavailable when gone."""
    where = f"platform code {short(digest)}"
    try:
        with zipfile.ZipFile(io.BytesIO(store.read(KIND, digest, ARCHIVE))) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise DataInvalid(f"{where}: it is no archive ({error}); what was kept is needed; restore it") from error
    if files_digest(files) != digest:
        raise DataInvalid(f"{where}: its files aren't those that were kept; exactly these are needed; restore them")
    return files


def _packed(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _is_a_model(name: str) -> bool:
    return name.startswith("defs/") and name.count("/") > 1
