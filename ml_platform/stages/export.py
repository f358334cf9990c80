"""Export: a version's model as plain files with its signed evidence, for somebody who has no keys of the home."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.stages import attest
from ml_platform.stages.model_files import KIND

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import ReleaseRecord

FOLDER = "model"


def export_version(store: ArtefactStore, release: ReleaseRecord, folder: Path) -> Path:
    """Write the model's files into `folder`/model and the bundle with its verifier beside it; return the first.

    Each file is read as it was stored, or not at all. Raises DataInvalid when the folder holds something already or a
    stored file was altered, Unavailable when it can't be written; nothing is left half written.
    """
    digest = release.candidate.model_digest
    files = {Path(FOLDER) / name: store.read(KIND, digest, name) for name in store.names(KIND, digest)}
    if release.bundle_digest:
        names = (attest.FILE, attest.VERIFIER)
        files |= {Path(name): store.read(attest.KIND, release.bundle_digest, name) for name in names}
    with _new(folder):
        for path, content in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(content)
    return folder / FOLDER


@contextlib.contextmanager
def _new(folder: Path) -> Iterator[None]:
    """Make a folder for what is written inside; it is removed again where that fails."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise DataInvalid(f"{folder}: it is there already; a new folder is needed; name another") from error
    except OSError as error:
        raise Unavailable(
            f"{folder}: it can't be made ({error.strerror}); choose a place that you can write"
        ) from error
    try:
        yield
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Unavailable(f"{folder}: it can't be written ({error.strerror}); free the disk or name another") from error
