"""Dagster's web server behind the guard: known routes only, a guarded schema, who is signed in on each page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ml_platform.access.context import GuardedProcessContext, GuardedRequestContext
from ml_platform.access.decide import allowed
from ml_platform.access.guard import Guard
from ml_platform.access.mlflow_reads import PREFIX
from ml_platform.access.schema import NotAllowed, guard, log_targets
from ml_platform.access.trail import DENIED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphene import Schema
    from graphql import GraphQLError
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from ml_platform.access.door import Door
    from ml_platform.access.mlflow_server import MlflowServer

# Dagster's routes that are kept, besides its static files; one that a new version adds is left out until it is listed.
ROUTES = {
    "/server_info",
    "/dagit_info",
    "/graphql",
    "/logs/{path:path}",
    "/download_debug/{run_id:str}",
    "/{path:path}",
    "/",
}
WHO = (
    '<a href="/whoami" style="position:fixed;left:16px;bottom:3px;z-index:20;padding:1px 8px;border-radius:8px;'
    'background:#1b2330;color:#fff;font:11px system-ui,sans-serif;text-decoration:none">{}</a>'
)


class GuardedWebserver(DagsterWebserver[GuardedProcessContext, GuardedRequestContext]):
    """Dagster's web server for persons who are known."""

    def __init__(self, process_context: GuardedProcessContext, door: Door, mlflow: MlflowServer) -> None:
        self._door = door
        self._mlflow = mlflow
        super().__init__(process_context)

    def build_graphql_schema(self) -> Schema:
        """Return Dagster's schema, with every mutation guarded."""
        return guard(super().build_graphql_schema(), self._door.trail)

    def build_middleware(self) -> list[Middleware]:
        """Put the guard before everything else."""
        return [Middleware(Guard, door=self._door), *super().build_middleware()]

    def build_routes(self) -> list[BaseRoute]:
        """Return the routes that are listed, the static files, and MLflow's."""
        static = {getattr(route, "path", "") for route in self.build_static_routes()}
        kept = [route for route in super().build_routes() if getattr(route, "path", "") in ROUTES | static]
        mlflow = [
            Route(path, self._mlflow.answer, methods=["GET", "HEAD", "POST"])
            for path in (PREFIX, f"{PREFIX}/{{path:path}}")
        ]
        return [*mlflow, *kept]

    def index_html_endpoint(self, request: Request) -> HTMLResponse:
        """Return the UI with a link that says who is signed in."""
        page = super().index_html_endpoint(request)
        with self.request_context(request) as context:
            person = context.person
        text = bytes(page.body).decode()
        who = WHO.format(escape(f"{person.name} · {', '.join(map(str, person.grants))}"))
        head = {name: value for name, value in page.headers.items() if name not in {"content-length", "content-type"}}
        return HTMLResponse(text.replace("</body>", f"{who}</body>", 1), headers=head)

    async def download_captured_logs_endpoint(self, request: Request) -> Response:
        """Return what a step printed, to who may read it."""
        return self._refuse_logs(request, request.path_params["path"].partition("/")[0]) or (
            await super().download_captured_logs_endpoint(request)
        )

    async def download_debug_file_endpoint(self, request: Request) -> Response:
        """Return a run for debugging, to who may read what it printed."""
        return self._refuse_logs(request, request.path_params["run_id"]) or (
            await super().download_debug_file_endpoint(request)
        )

    def handle_graphql_errors(self, errors: Sequence[GraphQLError]) -> list[Any]:
        """Say a denial without a stack trace."""
        mine = [{"message": one.message, "path": one.path} for one in errors if _is_denial(one)]
        others: list[Any] = super().handle_graphql_errors([one for one in errors if not _is_denial(one)])
        return mine + others

    def _determine_status_code(
        self, resolver_errors: list[GraphQLError] | None, captured_errors: list[Exception]
    ) -> int:
        if resolver_errors and all(map(_is_denial, resolver_errors)):
            return 403
        return super()._determine_status_code(resolver_errors, captured_errors)

    def _refuse_logs(self, request: Request, run_id: str) -> Response | None:
        with self.request_context(request) as context:
            for target in log_targets(context, run_id):
                decision = allowed(context.person, target.action, target.model)
                if not decision.allowed:
                    what, source = f"GET {request.url.path}", request.client.host if request.client else "unknown"
                    self._door.trail.note(
                        DENIED, actor=context.person.name, what=what, why=decision.reason, source=source
                    )
                    return JSONResponse({"error": decision.reason}, 403)
        return None


def _is_denial(error: GraphQLError) -> bool:
    return isinstance(error, NotAllowed) or isinstance(error.original_error, NotAllowed)
