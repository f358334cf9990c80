"""What of a home is sealed, file by file: to look at it, to change its keys, to seal what an old version left plain."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.artefacts import DRAFT, INDEX, PLAIN, place_of
from ml_platform.adapters.envelope_header import HEADER_BYTES, Place, is_header, versions_in
from ml_platform.adapters.sealed_file import SealingWriter, rewrap_file
from ml_platform.adapters.sealed_segment import FEEDBACK, SealedLines, place_of_segment
from ml_platform.adapters.segments import SUFFIX, Scan, line_of, scan
from ml_platform.adapters.traffic_days import days_of, place_of_day
from ml_platform.core.atomic import sync, write_atomically
from ml_platform.core.digest import CHUNK
from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    from ml_platform.core.keys import Keys

TRAFFIC = "traffic"
LOGS = (TRAFFIC, FEEDBACK)
DAYS = "days of traffic"
_DIGEST = "[0-9a-f]" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile:
    """A file that has to be sealed; `what` is the kind of artefact, or traffic."""

    path: Path
    place: Place
    what: str

    def start(self) -> bytes:
        """Return how the file begins; nothing when it went away meanwhile."""
        try:
            with self.path.open("rb") as file:
                return file.read(HEADER_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            message = f"{self.path}: can't be read ({error.strerror}); correct its permissions, then run again"
            raise Unavailable(message) from error

    def versions(self) -> tuple[str, ...]:
        """Return the key versions that can open the file; none while it is plain or has no beginning yet."""
        return versions_in(self.start())

    def is_plain(self) -> bool:
        """Say whether somebody who reads the disk can read it."""
        start = self.start()
        return bool(start) and not is_header(start)

    def rewrap(self, keys: Keys) -> bool:
        """Wrap its data key under the current version; False when there was nothing to do."""
        if not is_header(self.start()):
            return False
        try:
            return rewrap_file(self.path, self.place, keys)
        except FileNotFoundError:  # it was compacted meanwhile, under the current version
            return False
        except OSError as error:
            message = f"{self.path}: can't be written ({error.strerror}); correct its permissions, then run again"
            raise Unavailable(message) from error


def sealed_files(home: Path) -> Iterator[SealedFile]:
    """Iterate over every file of a home that has to be sealed, by name."""
    for folder in sorted(home.glob(f"*/{_DIGEST}")):
        kind = folder.parent.name
        if kind not in PLAIN and folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.name != INDEX and not path.name.startswith("."):
                    yield SealedFile(path=path, place=place_of(path), what=kind)
    for what in LOGS:
        for path in sorted(home.glob(f"{what}/*/*/*{SUFFIX}")):
            yield SealedFile(path=path, place=place_of_segment(path), what=what)
    for folder in sorted(home.glob(f"{TRAFFIC}/*/*")):
        for path in days_of(folder):
            yield SealedFile(path=path, place=place_of_day(path), what=DAYS)


def drafts_under(home: Path, version: str) -> list[Path]:
    """Return the files still being written whose key is wrapped under a version already."""
    found = []
    for path in home.glob(f"*/{DRAFT}*/*"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if version in versions_in(file.read(HEADER_BYTES)):
                found.append(path)
    return found


def seal_plain(file: SealedFile, keys: Keys) -> int:
    """Seal a file that an earlier version of the platform left plain, in one step; return how many lines were torn.

    An artefact's content has to be what its index says. Raises DataInvalid, and leaves the file as it is, otherwise.
    """
    if file.what in LOGS:
        return _seal_segment(file, keys)
    draft = file.path.with_name(f".{file.path.name}-{secrets.token_hex(8)}")
    try:
        with file.path.open("rb") as plain, SealingWriter(draft) as writer:
            while chunk := plain.read(CHUNK):
                writer.write(chunk)
        if writer.sha256 != _noted(file.path):
            message = (
                f"{file.path}: its content isn't what was stored, so it isn't sealed; it has to be what {INDEX} says; "
                "remove the folder and make the artefact again"
            )
            raise DataInvalid(message)
        writer.put_header(file.place, keys)
        draft.replace(file.path)
        sync(file.path.parent)
    except OSError as error:
        message = f"{file.path}: can't be sealed ({error.strerror}); it stays as it is; free space, then run again"
        raise Unavailable(message) from error
    finally:
        draft.unlink(missing_ok=True)
    return 0


def _noted(path: Path) -> str:
    try:
        return str(json.loads((path.parent / INDEX).read_bytes())["files"].get(path.name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def _seal_segment(file: SealedFile, keys: Keys) -> int:
    seen, cover = Scan(), SealedLines(keys)
    content = bytearray(cover.begin(file.path))
    for number, payload in enumerate(scan(file.path, seen)):
        content += line_of(cover.seal(payload, number))
    write_atomically(file.path, bytes(content))
    return seen.torn
