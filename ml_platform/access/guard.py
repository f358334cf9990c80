"""The guard: an ASGI layer before Dagster's web server. Nobody unknown gets through, and nothing that isn't listed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ml_platform.access.actions import Action
from ml_platform.access.decide import allowed
from ml_platform.access.door import BEGIN, CALLBACK, SESSION, Door, Entered, address
from ml_platform.access.mlflow_reads import GRAPHQL as MLFLOW_GRAPHQL
from ml_platform.access.mlflow_reads import is_background, is_graphql_read, is_mlflows, is_read
from ml_platform.access.same_site import is_json, is_same_site
from ml_platform.access.trail import DENIED
from ml_platform.core.errors import Unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PERSON = "ml_platform.person"
BODY = "ml_platform.body"
GRAPHQL = "/graphql"
LOGIN, LOGOUT, WHOAMI = "/login", "/logout", "/whoami"
# Dagster answers them; here nobody may ask.
CLOSED = {"report_asset_materialization", "report_asset_check", "report_asset_observation", "notebook", "dagit"}
LARGEST_BODY = 10_000_000
SAFE = {"GET", "HEAD"}
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}


class Guard:
    """Lets requests through to `app` with the person in their scope under `PERSON`, and answers all others itself."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or hand on one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, _with_headers(send))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Unavailable as error:
            answer = JSONResponse({"error": str(error)}, 503)
        if answer is not None:
            await answer(scope, receive, send)
        else:
            await self._app(scope, _replayed(request, receive), send)

    async def _answer(self, request: Request) -> Response | None:
        """Return the guard's own answer; None when the request may go on."""
        path = request.url.path
        if path in {LOGIN, BEGIN, CALLBACK}:
            return await self._door.answer(request)
        entered = await run_in_threadpool(self._door.entered, request)
        if entered is None:
            return _unknown(request)
        if request.method not in SAFE and entered.session is not None and not self._same_site(request):
            return await self._deny(entered, request, "a request of another site")
        if path == LOGOUT and request.method == "POST" and entered.session is not None:
            return await self._door.logout(request, entered.session)
        if path == WHOAMI and request.method in SAFE:
            return self._door.whoami(request, entered)
        refused = await self._refuse(entered, request)
        request.scope[PERSON] = entered.person
        return refused

    def _same_site(self, connection: HTTPConnection) -> bool:
        return is_same_site(connection, https=self._door.https)

    async def _refuse(self, entered: Entered, request: Request) -> Response | None:
        path = request.url.path
        if path.strip("/").partition("/")[0].lower() in CLOSED:
            return await self._deny(entered, request, "reported or read past the platform")
        decision = allowed(entered.person, Action.VIEW, None)
        if not decision.allowed:
            return await self._deny(entered, request, decision.reason)
        if is_mlflows(request.scope["path"]):
            return await self._refuse_mlflow(entered, request)
        if path.rstrip("/") == GRAPHQL:
            return await self._refuse_graphql(entered, request)
        if request.method not in SAFE:
            return await self._deny(entered, request, f"{request.method} isn't answered here")
        return None

    async def _refuse_mlflow(self, entered: Entered, request: Request) -> Response | None:
        """Let through what reads; nobody writes to MLflow but the platform itself, and that isn't done here."""
        path = request.url.path
        if path != request.scope["path"]:
            return await self._deny(entered, request, "a path of MLflow's that can be read in two ways")
        if is_background(request.method, path):
            return JSONResponse({"error": f"{path}: isn't answered here"}, 404)
        asks_graphql = request.method == "POST" and path == MLFLOW_GRAPHQL
        if not asks_graphql and not is_read("GET" if request.method == "HEAD" else request.method, path):
            return await self._deny(entered, request, "nobody writes to MLflow, and it isn't a read that is listed")
        if request.method != "POST":
            request.scope[BODY] = b""
            return None
        return await self._refuse_search(entered, request, asks_graphql=asks_graphql)

    async def _refuse_search(self, entered: Entered, request: Request, *, asks_graphql: bool) -> Response | None:
        if not is_json(request):
            return await self._deny(entered, request, "a body that isn't application/json", 415)
        body = await _body(request)
        if body is None:
            return await self._deny(entered, request, "a body that is too large", 413)
        if asks_graphql and not is_graphql_read(body):
            return await self._deny(entered, request, "GraphQL of MLflow's that isn't a query")
        return None

    async def _refuse_graphql(self, entered: Entered, request: Request) -> Response | None:
        """Let through one operation in one JSON object; who may run it is the schema's to say."""
        if request.method != "POST" or request.url.path != GRAPHQL:
            return await self._deny(entered, request, f"GraphQL by {request.method}; POST it")
        if not is_json(request):
            return await self._deny(entered, request, "GraphQL that isn't application/json", 415)
        body = await _body(request)
        if body is None:
            return await self._deny(entered, request, "GraphQL that is too large", 413)
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            return await self._deny(entered, request, "GraphQL that isn't one operation in one JSON object", 400)
        return None

    async def _deny(self, entered: Entered, request: Request, why: str, status: int = 403) -> Response:
        where = f"{request.method} {request.url.path}"
        await run_in_threadpool(self._note, entered.person.name, where, why, address(request))
        return JSONResponse({"error": f"{where}: denied: {why}"}, status)

    def _note(self, name: str, what: str, why: str, source: str) -> None:
        self._door.trail.note(DENIED, actor=name, what=what, why=why, source=source)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        try:
            entered = await run_in_threadpool(self._door.entered, connection)
        except Unavailable:
            entered = None
        known = entered is not None and allowed(entered.person, Action.VIEW, None).allowed
        by_cookie = entered is not None and entered.session is not None
        strange = by_cookie and (connection.headers.get("origin") is None or not self._same_site(connection))
        if entered is None or not known or strange or scope["path"] != GRAPHQL:
            if entered is not None:
                await run_in_threadpool(
                    self._note, entered.person.name, f"websocket {scope['path']}", "not from here", address(connection)
                )
            await receive()  # the handshake; closing before it is accepted answers 403
            await send({"type": "websocket.close", "code": 1008})
            return
        scope[PERSON] = entered.person
        await self._app(scope, receive, self._while_open(connection, entered, send))

    def _while_open(self, connection: HTTPConnection, entered: Entered, send: Send) -> Send:
        """Close a socket at the first message after its session has ended or its person is gone."""
        cookie, sessions = connection.cookies.get(self._door.cookie(SESSION), ""), self._door.sessions

        async def checked(message: Message) -> None:
            gone = self._door.users.person(entered.person.name) != entered.person
            if gone or (entered.session is not None and not sessions.is_open(cookie)):
                message = {"type": "websocket.close", "code": 1008}
            await send(message)

        return checked


def _unknown(request: Request) -> Response:
    if request.method in SAFE and "text/html" in request.headers.get("accept", ""):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{LOGIN}?next={quote(request.url.path + query)}", 303)
    return JSONResponse({"error": f"sign in at {LOGIN}, or send a token: Authorization: Bearer mlp_…"}, 401)


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    request.scope[BODY] = bytes(body)
    return bytes(body)


def _replayed(request: Request, receive: Receive) -> Receive:
    """Return a `receive` that hands out once more the body that the guard has read."""
    kept: list[bytes] = [request.scope[BODY]] if BODY in request.scope else []

    async def again() -> Message:
        if kept:
            return {"type": "http.request", "body": kept.pop(), "more_body": False}
        return await receive()

    return again


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
