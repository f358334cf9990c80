"""Same site: whether a request that a cookie authenticates was made by a page of this server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


def is_same_site(connection: HTTPConnection, *, https: bool) -> bool:
    """Say whether what the browser tells proves it; nothing told proves nothing."""
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    own = f"{'https' if https else 'http'}://{connection.headers.get('host', '')}"
    if site is None and origin is None:
        return False
    return site in {None, "same-origin"} and origin in {None, own}


def is_json(connection: HTTPConnection) -> bool:
    """Say whether a body is declared as JSON: no form of another site can declare that without being asked first."""
    declared = connection.headers.getlist("content-type")
    return len(declared) == 1 and declared[0].partition(";")[0].strip().lower() == "application/json"
