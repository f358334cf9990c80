"""What the guard relies on in the pinned Dagster version and Dagster doesn't promise: each is held here."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import dagster
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.permissions import Permissions
from dagster_graphql.schema import create_schema
from dagster_webserver.version import __version__ as webserver_version
from dagster_webserver.webserver import DagsterWebserver

from ml_platform.access.context import ACTIONS
from ml_platform.access.guard import CLOSED
from ml_platform.access.mlflow_reads import PREFIX
from ml_platform.access.schema import BUTTONS, LOGS
from ml_platform.access.server import ROUTES

if TYPE_CHECKING:
    from ml_platform_tests.access.world import World

# What nobody may: it would make the record say what didn't happen.
NOBODYS = {
    Permissions.DELETE_PIPELINE_RUN, Permissions.WIPE_ASSETS, Permissions.REPORT_RUNLESS_ASSET_EVENTS,
    Permissions.EDIT_DYNAMIC_PARTITIONS, Permissions.EDIT_APP_MANAGED_COMPONENTS, Permissions.REFRESH_COMPONENT_STATE,
}  # fmt: skip


def test_this_is_the_version_that_was_looked_at() -> None:
    assert (dagster.__version__, webserver_version) == ("1.13.27", "1.13.27")


def test_every_permission_has_its_actions_or_is_nobodys() -> None:
    assert set(ACTIONS) | NOBODYS == set(Permissions)
    assert not set(ACTIONS) & NOBODYS


def test_what_is_overridden_is_there_with_these_arguments() -> None:
    def arguments(of: object) -> list[str]:
        assert callable(of)
        return list(inspect.signature(of).parameters)

    context = ["self", "instance", "current_workspace", "process_context", "version", "source", "read_only"]
    assert arguments(WorkspaceRequestContext.__init__) == [*context, "read_only_locations"]
    assert arguments(WorkspaceRequestContext.permissions_for_location) == ["self", "location_name"]
    assert isinstance(vars(WorkspaceRequestContext)["permissions"], property)
    assert arguments(WorkspaceProcessContext.create_request_context) == ["self", "source"]
    assert arguments(QueuedRunCoordinator.submit_run) == ["self", "context"]
    assert arguments(ProxyServerManager.__init__)[1:] == ["instance", "workspace_load_target", "code_server_log_level"]
    for name in ("build_graphql_schema", "build_middleware", "build_routes", "build_static_routes"):
        assert arguments(getattr(DagsterWebserver, name)) == ["self"]
    for name in ("index_html_endpoint", "download_captured_logs_endpoint", "download_debug_file_endpoint"):
        assert arguments(getattr(DagsterWebserver, name)) == ["self", "request"]
    assert arguments(DagsterWebserver.handle_graphql_errors) == ["self", "errors"]
    assert arguments(DagsterWebserver._determine_status_code) == ["self", "resolver_errors", "captured_errors"]


def test_every_route_is_kept_or_closed(web: World) -> None:
    class Bare(DagsterWebserver[Any, Any]):  # only its routes are asked for
        def __init__(self) -> None:
            self._app_path_prefix, self._uses_app_path_prefix = "", False

    bare = Bare()
    static = {getattr(route, "path", "") for route in bare.build_static_routes()}
    routes = {getattr(route, "path", "") for route in bare.build_routes()}
    closed = {route for route in routes if route.split("/")[1] in CLOSED}
    assert routes - static == ROUTES | closed
    assert {route.split("/")[1] for route in closed} == CLOSED
    assert {getattr(route, "path", "") for route in web.app.routes} == ROUTES | static | {
        PREFIX,
        f"{PREFIX}/{{path:path}}",
    }


def test_each_schema_is_made_anew_so_that_a_guarded_one_is_nobody_elses() -> None:
    first, second = create_schema().graphql_schema, create_schema().graphql_schema
    assert first.mutation_type is not None
    assert second.mutation_type is not None
    assert first.mutation_type.fields["launchRun"] is not second.mutation_type.fields["launchRun"]


def test_the_fields_that_are_guarded_are_there() -> None:
    types = create_schema().graphql_schema.type_map
    for parent, name in BUTTONS:
        assert name in types[parent].fields
    assert set(LOGS) <= set(types["Query"].fields)
    assert "capturedLogs" in types["Subscription"].fields
    subscriptions = {"pipelineRunLogs", "capturedLogs", "locationStateChangeEvents"}
    assert set(types["Subscription"].fields) == subscriptions
