"""The guard's own pages: sign in, who am I. They load nothing from anywhere else and run no script."""

from __future__ import annotations

import functools
import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse

from ml_platform.access.actions import MEANING, Action
from ml_platform.access.person import ALL_MODELS, Person
from ml_platform.access.roles import RIGHTS

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"


def login_page(
    *, csrf: str, onward: str = "/", name: str = "", problem: str = "", status: int = 200, provider: str = ""
) -> HTMLResponse:
    """Return the page that asks for name and password, or leads to an identity provider."""
    begin = f"/login/oidc?{urlencode({'next': onward})}" if provider else ""
    return _page(
        "login", status, csrf=csrf, onward=onward, name=name[:100], problem=problem, provider=provider, begin=begin
    )


def whoami_page(person: Person, *, csrf: str) -> HTMLResponse:
    """Return the page that says who is signed in and what they may do."""
    return _page("whoami", 200, person=person, csrf=csrf, may=rights_in_words(person))


def rights_in_words(person: Person) -> list[str]:
    """Return what a person may do, and on which models, in the order of the actions."""
    found = []
    for action in Action:
        models = [grant.model for grant in person.grants if action in RIGHTS[grant.role]]
        if models:
            where = "" if ALL_MODELS in models else f" ({', '.join(sorted(set(models)))})"
            found.append(f"{MEANING[action]}{where}")
    return found


def local_path(said: str) -> str:
    r"""Return where to go after the login: a path of this server, whatever was said.

    >>> local_path("/runs?a=b"), local_path("//elsewhere.example/"), local_path("/\\elsewhere.example")
    ('/runs?a=b', '/', '/')
    """
    try:
        parts = urlsplit(said)
    except ValueError:
        return "/"
    plain = said.startswith("/") and not said.startswith("//") and said.isprintable() and "\\" not in said
    return said if plain and not parts.scheme and not parts.netloc else "/"


def _page(template: str, status: int, **values: object) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    text = _environment().get_template(f"{template}.html.j2").render(nonce=nonce, **values)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return HTMLResponse(text, status, headers)


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
