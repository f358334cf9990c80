"""URL: the pieces of a table in a file system that fsspec reaches; bounded in size and time, never led elsewhere."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from ml_platform.core.digest import CHUNK
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.sources.allow import require_allowed
from ml_platform.sources.piece import Piece, partition_of, require_pieces, require_same_partitions

if TYPE_CHECKING:
    import fsspec

    from ml_platform.policy.spec import UrlTable

LARGEST_BYTES = 4 << 30
LONGEST_SECONDS = 900.0
CONNECT_SECONDS = 30.0
READ_SECONDS = 60.0
WEB = frozenset({"http", "https"})
# What file systems call the signs of a file's content and the time of its change.
_SIGNS = ("ETag", "etag", "e_tag", "md5Hash", "md5", "crc32c", "generation", "VersionId", "content_settings")
_TIMES = ("LastModified", "last_modified", "Last-Modified", "mtime", "modified", "updated", "created")
Info: TypeAlias = Mapping[str, Any]  # a file system's words on a file


def url_pieces(where: str, table: UrlTable) -> tuple[Piece, ...]:
    """Return the pieces behind a URL, one file or a folder's; DataInvalid for a place that isn't allowed."""
    scheme = require_allowed(where, table.url).scheme
    with _reaching(where):
        files = _file_system(where, scheme)
        path = files._strip_protocol(table.url)  # noqa: SLF001  (fsspec's own way from a URL to a path)
        info = files.info(path)
        if info.get("type") != "directory":
            return (_piece(where, files, path, path.rpartition("/")[2], info),)
        found = files.find(path, detail=True)
    return _within(where, files, path.rstrip("/"), found)


def _within(where: str, files: fsspec.AbstractFileSystem, folder: str, found: Mapping[str, Info]) -> tuple[Piece, ...]:
    inside = {path.removeprefix(f"{folder}/"): (path, info) for path, info in found.items()}
    if any(name == path for name, (path, _) in inside.items()):
        raise DataInvalid(f"{where}: the folder's listing names a file outside of it; only what lies in it is read")
    pieces = tuple(
        _piece(f"{where}: {name}", files, inside[name][0], name, inside[name][1])
        for name in require_pieces(where, list(inside))
    )
    require_same_partitions(pieces)
    return pieces


def _file_system(where: str, scheme: str) -> fsspec.AbstractFileSystem:
    import fsspec

    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise DataInvalid(f"{where}: {scheme}:// is no file system that fsspec knows; correct the URL") from None
    except ImportError as error:
        message = f"{where}: {scheme}:// can't be reached yet ({error}); install what it needs beside the platform"
        raise Unavailable(message) from None
    options: dict[str, object] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme in WEB:
        import aiohttp

        limits = aiohttp.ClientTimeout(total=LONGEST_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
        options |= {"allow_redirects": False, "client_kwargs": {"timeout": limits}}
    return kind(**options)


def _piece(where: str, files: fsspec.AbstractFileSystem, path: str, name: str, info: Info) -> Piece:
    size = info.get("size") or 0
    if size > LARGEST_BYTES:
        raise _too_large(where)
    changed = next((_moment(info[key]) for key in _TIMES if info.get(key)), None)
    signs = [f"{key} {info[key]}" for key in (*_SIGNS, *_TIMES) if info.get(key)]
    return Piece(
        where=where,
        name=name,
        mark=f"{size} {' '.join(signs)}" if signs else "",
        size_bytes=size,
        modified_at=changed,
        read=lambda: _bytes(where, files, path, info),
        partition=partition_of(where, name),
    )


def _bytes(where: str, files: fsspec.AbstractFileSystem, path: str, info: Info) -> bytes:
    """Return a file's bytes, all of them; nothing is taken from another place that the server points to."""
    deadline = time.monotonic() + LONGEST_SECONDS
    parts, size = [], 0
    with _reaching(where), files.open(path, "rb", **_streamed(files, info)) as file:
        _require_here(where, getattr(file, "r", None))
        while part := file.read(CHUNK):
            parts.append(part)
            size += len(part)
            if size > LARGEST_BYTES:
                raise _too_large(where)
            if time.monotonic() > deadline:
                message = f"{where}: takes longer than {LONGEST_SECONDS:,.0f} seconds; nothing is kept; try again later"
                raise Unavailable(message)
    stated = info.get("size")
    if stated is not None and stated != size:
        message = f"{where}: {size:,} bytes came and {stated:,} were announced; the whole file is needed; try again"
        raise Unavailable(message)
    return b"".join(parts)


def _streamed(files: fsspec.AbstractFileSystem, info: Info) -> dict[str, int]:
    """Say how to read from start to end in one request, where that is a question."""
    protocol = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
    known = {"size": info["size"]} if info.get("size") else {}
    return {"block_size": 0, **known} if protocol & WEB else {}


def _require_here(where: str, response: Any) -> None:  # noqa: ANN401  (an aiohttp response, or None)
    status = getattr(response, "status", 200)
    if 300 <= status < 400:
        message = f"{where}: the server points elsewhere (status {status}); that isn't followed; state the final URL"
        raise DataInvalid(message)
    if status != 200:
        raise Unavailable(f"{where}: the server answers with status {status}; 200 is needed; try again later")


def _too_large(where: str) -> DataInvalid:
    return DataInvalid(
        f"{where}: is larger than {LARGEST_BYTES:,} bytes, the most that is fetched; split it into a folder of files"
    )


@contextlib.contextmanager
def _reaching(where: str) -> Iterator[None]:
    """Turn what can go wrong on the way into words; an error's own text may name more than the place."""
    errors: tuple[type[Exception], ...] = (OSError, ValueError, *_web_errors())
    try:
        yield
    except FileNotFoundError:
        raise Unavailable(f"{where}: nothing is at the URL, or it may not be read; correct `url`") from None
    except errors as error:
        kind = type(error).__name__
        message = f"{where}: the URL can't be read ({kind}); try again, and look at the network and your rights"
        raise Unavailable(message) from None


def _web_errors() -> tuple[type[Exception], ...]:
    try:
        import aiohttp
    except ImportError:
        return ()
    return (aiohttp.ClientError,)


def _moment(value: object) -> dt.datetime | None:
    """Return a time as file systems tell it: a time, seconds, or the text of an HTTP header."""
    match value:
        case dt.datetime():
            return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
        case int() | float():
            return dt.datetime.fromtimestamp(value, tz=dt.UTC)
        case str():
            try:
                return parsedate_to_datetime(value)
            except ValueError:
                return None
        case _:
            return None
