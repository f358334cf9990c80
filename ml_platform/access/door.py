"""The door: who comes in, by session or token; signing in and out."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from ml_platform.access.oidc import Came, Oidc, person_of
from ml_platform.access.pages import local_path, login_page, rights_in_words, whoami_page
from ml_platform.access.person import Person
from ml_platform.access.same_site import is_same_site
from ml_platform.access.sessions import LONGEST, Session, Sessions
from ml_platform.access.throttle import Throttle
from ml_platform.access.trail import SIGN_IN_FAILED, SIGNED_IN, SIGNED_OUT, Trail
from ml_platform.access.users import FileUsers
from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request

SESSION = "ml_platform_session"
FORM = "ml_platform_form"
OIDC = "ml_platform_oidc"
BEGIN, CALLBACK = "/login/oidc", "/login/oidc/callback"
LARGEST_FORM = 8_192
MOST_ASKING = 8
AT_ONCE = 2  # each password costs 64 MiB while it is hashed
BEARER = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Who came in, and by which session; None when it was by token."""

    person: Person
    session: Session | None


@dataclass(slots=True)
class Door:
    """What the guard needs to know who is there. `https`: a proxy in front speaks TLS."""

    users: FileUsers
    trail: Trail
    clock: Callable[[], dt.datetime]
    https: bool = False
    oidc: Oidc | None = None
    sessions: Sessions = field(init=False)
    _by_name: Throttle = field(init=False)
    _by_address: Throttle = field(init=False)
    _hashing: int = field(default=0, init=False)
    _asking: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.clock)
        self._by_name, self._by_address = Throttle(self.clock, 5), Throttle(self.clock, 50)

    def entered(self, connection: HTTPConnection) -> Entered | None:
        """Return who makes a request; None when nobody is known. A token, once shown, has to be right."""
        said = connection.headers.get("authorization")
        if said is not None:
            return self._by_token(said, address(connection))
        session = self.sessions.find(connection.cookies.get(self.cookie(SESSION), ""))
        person = person_of(self.users, session.name, session.grants) if session else None
        return Entered(person=person, session=session) if person else None

    def _by_token(self, said: str, source: str) -> Entered | None:
        if not said.lower().startswith(BEARER):
            return None
        person = self.users.by_token(said[len(BEARER) :].strip(), now=self.clock())
        if person is None:  # nobody has to wait: 256 random bits aren't guessed
            self.trail.note(SIGN_IN_FAILED, actor="unknown", why="a token that is nobody's", source=source)
            return None
        return Entered(person=person, session=None)

    def cookie(self, name: str) -> str:
        """Return a cookie's name; the prefix lets a browser take it from nobody but this host, over TLS."""
        return f"__Host-{name}" if self.https else name

    async def answer(self, request: Request) -> Response:
        """Answer who isn't known yet and wants to be."""
        if request.url.path == BEGIN:
            return await self.begin_oidc(request)
        if request.url.path == CALLBACK:
            return await self.finish_oidc(request)
        return await self.login(request)

    async def login(self, request: Request) -> Response:
        """Show the form, or answer it."""
        if request.method != "POST":
            return self._form(onward=request.query_params.get("next", "/"))
        if not is_same_site(request, https=self.https):
            return self._form(problem="The form came from another site. Sign in here.", status=403)
        form = await read_form(request)
        nonce = self.sessions.signed(request.cookies.get(self.cookie(FORM), ""))
        if nonce is None or not secrets.compare_digest(form.get("csrf", "").encode(), nonce.encode()):
            return self._form(onward=form.get("next", "/"), problem="The form was too old. Try again.", status=403)
        return await self._sign_in(form, source=address(request))

    async def _sign_in(self, form: Mapping[str, str], *, source: str) -> Response:
        name, onward = form.get("name", ""), form.get("next", "/")
        key = f"{name[:100]} from {source}"
        if self._by_name.is_closed(key) or self._by_address.is_closed(source):
            return self._form(onward=onward, problem="Too many failures. Try again in 15 minutes.", status=429)
        if self._hashing >= AT_ONCE:
            return self._form(onward=onward, problem="Too many sign in just now. Try again.", status=503)
        self._hashing += 1
        try:
            person = await run_in_threadpool(self.users.by_password, name, form.get("password", ""))
        finally:
            self._hashing -= 1
        if person is None:
            self._by_name.failed(key)
            self._by_address.failed(source)
            await run_in_threadpool(self._note_failed, name, source)
            problem = "Name and password don't belong together."
            return self._form(onward=onward, name=name, problem=problem, status=401)
        self._by_name.succeeded(key)
        await run_in_threadpool(self._note, SIGNED_IN, person.name, source)
        answer = RedirectResponse(local_path(onward), 303)
        self._set(answer, SESSION, self.sessions.begin(person.name), seconds=int(LONGEST.total_seconds()))
        return answer

    async def begin_oidc(self, request: Request) -> Response:
        """Send a browser to the identity provider."""
        if self.oidc is None or request.method != "GET":
            return self._form(problem="There is no identity provider here. Sign in with name and password.", status=404)
        onward = local_path(request.query_params.get("next", "/"))
        back = f"{'https' if self.https else 'http'}://{request.headers.get('host', '')}{CALLBACK}"
        try:
            with self._few_ask():
                url, secret = await run_in_threadpool(self.oidc.begin, redirect_uri=back, onward=onward)
        except Unavailable as error:
            return self._form(onward=onward, problem=str(error), status=503)
        answer = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
        self._set(answer, OIDC, self.sessions.sign(secret), seconds=600)
        return answer

    async def finish_oidc(self, request: Request) -> Response:
        """Let in who comes back from the identity provider, if their answer and their name are good."""
        if self.oidc is None or request.method != "GET":
            return self._form(problem="There is no identity provider here. Sign in with name and password.", status=404)
        source = address(request)
        if self._by_address.is_closed(source):
            return self._form(problem="Too many failures. Try again in 15 minutes.", status=429)
        said = {name[:20]: value for name, value in request.query_params.items()}
        secret = self.sessions.signed(request.cookies.get(self.cookie(OIDC), "")) or ""
        try:
            with self._few_ask():
                came = await run_in_threadpool(self.oidc.finish, said, browser=secret)
        except Unavailable as error:
            return self._form(problem=str(error), status=503)
        except DataInvalid as error:
            self._by_address.failed(source)
            await run_in_threadpool(self._note_refused, str(error), source)
            return self._form(problem=str(error), status=401)
        await run_in_threadpool(self._note_came, came, source)
        answer = RedirectResponse(came.onward, 303)
        self._set(answer, SESSION, self.sessions.begin(came.name, came.grants), seconds=int(LONGEST.total_seconds()))
        self._set(answer, OIDC, "", seconds=0)
        return answer

    @contextlib.contextmanager
    def _few_ask(self) -> Iterator[None]:
        """Let few wait for the provider at once: one that hangs doesn't keep those waiting who need no provider."""
        if self._asking >= MOST_ASKING:
            raise Unavailable("Too many sign in through the provider just now. Try again, or with name and password.")
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    async def logout(self, request: Request, session: Session) -> Response:
        """End a session; only a form of this server can ask for it."""
        form = await read_form(request)
        if not secrets.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            return JSONResponse({"error": "the form isn't of this session; nothing was changed"}, 403)
        self.sessions.end(request.cookies.get(self.cookie(SESSION), ""))
        await run_in_threadpool(self._note, SIGNED_OUT, session.name, address(request))
        answer = RedirectResponse("/login", 303)
        self._set(answer, SESSION, "", seconds=0)
        return answer

    def whoami(self, request: Request, entered: Entered) -> Response:
        """Say who is signed in and what they may do: a page for a browser's session, JSON else."""
        person = entered.person
        if entered.session is not None and "text/html" in request.headers.get("accept", ""):
            return whoami_page(person, csrf=entered.session.csrf)
        return JSONResponse(
            {"name": person.name, "roles": [str(grant) for grant in person.grants], "may": rights_in_words(person)}
        )

    def _form(self, *, onward: str = "/", name: str = "", problem: str = "", status: int = 200) -> Response:
        nonce = secrets.token_urlsafe(32)
        page = login_page(
            csrf=nonce, onward=local_path(onward), name=name, problem=problem, status=status,
            provider=urlsplit(self.oidc.provider.settings.issuer).hostname or "" if self.oidc else "",
        )  # fmt: skip
        self._set(page, FORM, self.sessions.sign(nonce), seconds=3600)
        return page

    def _set(self, answer: Response, name: str, value: str, *, seconds: int) -> None:
        answer.set_cookie(
            self.cookie(name), value, max_age=seconds, path="/", secure=self.https, httponly=True, samesite="lax"
        )

    def _note(self, action: str, name: str, source: str) -> None:
        self.trail.note(action, actor=name, source=source)

    def _note_came(self, came: Came, source: str) -> None:
        groups = {} if came.grants is None else {"roles": ", ".join(map(str, came.grants))}
        self.trail.note(SIGNED_IN, actor=came.name, source=source, by="identity provider", **groups)

    def _note_refused(self, why: str, source: str) -> None:
        self.trail.note(SIGN_IN_FAILED, actor="unknown", why=why, source=source)

    def _note_failed(self, name: str, source: str) -> None:
        known = name if name in self.users.all() else "a name that isn't known"  # people type passwords there
        self.trail.note(SIGN_IN_FAILED, actor="unknown", name=known, source=source)


def address(connection: HTTPConnection) -> str:
    """Return where a request comes from, as far as this process can see."""
    return connection.client.host if connection.client else "unknown"


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a small form; of one that is too large or isn't text, none."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return {}
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
