"""Allow: which places outside this machine a source may be fetched from; without a word of the operator, none."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from ml_platform.core.errors import DataInvalid
from ml_platform.settings import allowed_urls

# These reach further: into other file systems, other hosts or this machine's disk.
NEVER = frozenset(
    "file local arrow_hdfs dir dirfs reference generic simplecache filecache blockcache cached zip tar libarchive "
    "asynclocal async_wrapper data git dask jlab jupyter".split()
)
_ODD = re.compile(r"[\s\\\x00-\x1f\x7f]|::|[*?\[\]]")


def require_allowed(where: str, url: str) -> SplitResult:
    """Return a URL in its parts if `ML_PLATFORM_ALLOWED_URLS` lets it be read; else DataInvalid.

    Scheme and host must be the same as those of an allowed beginning, and the path must lie under its path.
    """
    parts = _plain(where, url)
    if any(_is_under(parts, urlsplit(beginning)) for beginning in allowed_urls()):
        return parts
    message = (
        f"{where}: {parts.scheme}://{parts.netloc}{parts.path} isn't among the places that sources may be fetched "
        "from; only what ML_PLATFORM_ALLOWED_URLS names is; ask whoever runs the platform to add it, or use a file"
    )
    raise DataInvalid(message)


def _plain(where: str, url: str) -> SplitResult:
    """Return a URL's parts; DataInvalid when it could be read in two ways or holds more than a place."""
    needed = "a plain URL like https://data.example.org/rows.csv is needed; correct it"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise DataInvalid(f"{where}: the URL can't be read; {needed}") from None
    if (
        not parts.scheme
        or not url.startswith(f"{parts.scheme}://")
        or _ODD.search(url)
        or parts.query
        or parts.fragment
    ):
        raise DataInvalid(f"{where}: the URL has signs that could lead elsewhere; {needed}")
    if "@" in parts.netloc:
        raise DataInvalid(f"{where}: the URL names a user or a password; no model file may; {needed}")
    if ".." in unquote(unquote(parts.path)).replace("\\", "/").split("/"):
        raise DataInvalid(f"{where}: the URL's path leads upwards; {needed}")
    if parts.scheme in NEVER:
        raise DataInvalid(f"{where}: {parts.scheme}:// can lead elsewhere; use `kind: file` for files of this machine")
    return parts


def _is_under(parts: SplitResult, beginning: SplitResult) -> bool:
    folder = beginning.path.rstrip("/")
    return (
        parts.scheme == beginning.scheme
        and parts.netloc.lower() == beginning.netloc.lower()
        and (parts.path == folder or parts.path.startswith(f"{folder}/"))
    )
