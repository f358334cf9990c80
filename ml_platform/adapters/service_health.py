"""Asks a running service whether it is well."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

LARGEST = 65_536


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow none: the address that was configured is the one that is asked."""


def ask_health(url: str, *, seconds: float) -> str:
    """Return the status that the service at an address says (`ok`, `degraded`, `unavailable`), or why it says none."""
    address = f"{url.rstrip('/')}/health"
    if not address.startswith(("http://", "https://")):
        return "the address isn't http:// or https://"
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(address, timeout=seconds) as answer:
            content = answer.read(LARGEST)
    except urllib.error.HTTPError as error:
        with error:
            content = error.read(LARGEST)
    except (OSError, ValueError) as error:
        return f"no answer ({type(getattr(error, 'reason', error)).__name__})"
    try:
        status = json.loads(content).get("status")
    except (ValueError, AttributeError):
        return "it isn't a health page"
    return status if status in {"ok", "degraded", "unavailable"} else "it isn't a health page"
