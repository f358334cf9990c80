"""Every mutation of Dagster's schema, in every disguise: who may not, can't; what isn't listed, nobody can."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from dagster_graphql.schema import create_schema
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    graphql_sync,
)
from starlette.websockets import WebSocketDisconnect

from ml_platform.access.context import NOBODY
from ml_platform.access.needs import FALSIFY, NEEDS
from ml_platform.access.person import Grant, Person
from ml_platform.access.roles import Role
from ml_platform.access.schema import NotAllowed, guard
from ml_platform.access.seal import LAUNCHED_BY, SEAL, launcher
from ml_platform_tests.access.people import user
from ml_platform_tests.access.world import HERE, LAUNCH, World, ask, launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.testclient import TestClient

PROMOTE = launch("parcels_promote")
SCHEMA: GraphQLSchema = create_schema().graphql_schema
SAY = "{ __typename ... on LaunchRunSuccess { run { runId } } }"
INLINE = (
    'launchRun(executionParams: {selector: {repositoryLocationName: "ml_platform", repositoryName: "__repository__", '
    f'jobName: "parcels_promote"}}, runConfigData: "{{}}", mode: "default"}}) {SAY}'
)
JSON = {**HERE, "content-type": "application/json"}


def mutations() -> Mapping[str, GraphQLField]:
    assert SCHEMA.mutation_type is not None
    fields: Mapping[str, GraphQLField] = SCHEMA.mutation_type.fields
    return fields


def test_every_mutation_of_this_dagster_is_listed_with_what_it_needs() -> None:
    assert set(NEEDS) == set(mutations())


def some(kind: Any) -> Any:
    """Return the least value that a type accepts."""
    match kind:
        case GraphQLNonNull():
            return some(kind.of_type)
        case GraphQLList():
            return [some(kind.of_type)]
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLInputObjectType():
            needed = {name: one.type for name, one in kind.fields.items() if isinstance(one.type, GraphQLNonNull)}
            return {name: some(one) for name, one in needed.items()}
        case _:
            return {"Int": 1, "Float": 1.0, "Boolean": True}.get(kind.name, "x")


def call(name: str) -> tuple[str, dict[str, Any]]:
    """Return a mutation with the least arguments that the schema accepts."""
    needed = {arg: one.type for arg, one in mutations()[name].args.items() if isinstance(one.type, GraphQLNonNull)}
    head = f"({', '.join(f'${arg}: {kind}' for arg, kind in needed.items())})" if needed else ""
    body = f"({', '.join(f'{arg}: ${arg}' for arg in needed)})" if needed else ""
    said = "" if str(mutations()[name].type) == "Boolean!" else " { __typename }"
    return f"mutation M{head} {{ {name}{body}{said} }}", {arg: some(kind) for arg, kind in needed.items()}


def is_denied(answer: Any, name: str) -> bool:
    said = answer.json()
    if answer.status_code == 403:
        return said["data"] is None and "may not" in said["errors"][0]["message"] and "extensions" not in str(said)
    return answer.status_code == 200 and bool(said == {"data": {name: {"__typename": "UnauthorizedError"}}})


@pytest.fixture(scope="module")
def viewer(web: World) -> TestClient:
    return web.browser("vera")


@pytest.fixture(scope="module")
def everything(web: World) -> TestClient:
    web.door.users.add(user("eva", *Role))
    return web.browser("eva")


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_a_viewer_can_run_none(web: World, viewer: TestClient, name: str) -> None:
    before = len(web.audited("access_denied", "vera"))
    query, variables = call(name)
    answer = ask(viewer, query, **variables)
    assert is_denied(answer, name), answer.text
    assert [one["what"] for one in web.audited("access_denied", "vera")[before:]] == [name]


@pytest.mark.parametrize("name", [name for name in sorted(NEEDS) if NEEDS[name] is FALSIFY])
def test_what_falsifies_the_record_can_nobody_run_whatever_their_roles(everything: TestClient, name: str) -> None:
    query, variables = call(name)
    assert is_denied(ask(everything, query, **variables), name)


def test_a_mutation_that_a_new_version_adds_is_denied_to_everybody() -> None:
    class Trail:
        def note(self, *_: object, **__: object) -> None: ...

    class Context:
        person = Person(name="eva", grants=tuple(Grant(role=role) for role in Role))
        source = None

    schema = create_schema()
    kind = schema.graphql_schema.mutation_type
    assert kind is not None
    kind.fields["brandNew"] = GraphQLField(GraphQLBoolean, resolve=lambda *_: True)
    guard(schema, Trail())  # type: ignore[arg-type]  # all that is asked of it
    done = graphql_sync(schema.graphql_schema, "mutation { brandNew }", context_value=Context())
    assert done.data == {"brandNew": None}
    assert done.errors is not None
    assert isinstance(done.errors[0].original_error, NotAllowed) or isinstance(done.errors[0], NotAllowed)


def posted(query: str, **more: object) -> dict[str, object]:
    return {"method": "POST", "content": json.dumps({"query": query, **more}), "headers": JSON}


FRAGMENTS = "mutation A { ...F } fragment F on Mutation { ...G } fragment G on Mutation { " + INLINE + " }"
DISGUISES: Mapping[str, dict[str, Any]] = {
    "alias": posted(f"mutation {{ harmless: {INLINE} }}"),
    "alias of a listed read": posted(f"mutation {{ version: {INLINE} }}"),
    "fragments": posted(FRAGMENTS),
    "inline fragment": posted(f"mutation {{ ... on Mutation {{ ... @include(if: true) {{ {INLINE} }} }} }}"),
    "second operation": posted(f"query A {{ version }} mutation B {{ {INLINE} }}", operationName="B"),
    "two at once": posted(f"mutation {{ a: {INLINE} b: {INLINE} }}"),
    "behind a harmless one": posted(f"mutation {{ setNuxSeen {INLINE} }}"),
    "variables": posted(LAUNCH, variables={"params": PROMOTE}),
    "variables as text": posted(LAUNCH, variables=json.dumps({"params": PROMOTE})),
    "batch": {"method": "POST", "content": json.dumps([{"query": f"mutation {{ {INLINE} }}"}]), "headers": JSON},
    "query as list": {
        "method": "POST", "content": json.dumps({"query": [f"mutation {{ {INLINE} }}"]}), "headers": JSON,
    },
    "two keys": {
        "method": "POST",
        "content": '{"query": "{ version }", "query": ' + json.dumps(f"mutation {{ {INLINE} }}") + "}",
        "headers": JSON,
    },
    "get": {"method": "GET", "params": {"query": f"mutation {{ {INLINE} }}"}},
    "get for a page": {
        "method": "GET", "params": {"query": f"mutation {{ {INLINE} }}"}, "headers": {"accept": "text/html"},
    },
    "head": {"method": "HEAD", "params": {"query": f"mutation {{ {INLINE} }}"}},
    "put": {"method": "PUT", "content": json.dumps({"query": f"mutation {{ {INLINE} }}"}), "headers": JSON},
    "query beside an empty body": {"method": "POST", "params": {"query": f"mutation {{ {INLINE} }}"}, "headers": HERE},
    "query beside a harmless body": {
        "method": "POST", "params": {"query": f"mutation {{ {INLINE} }}"}, "content": "{}", "headers": JSON,
    },
    "form": {"method": "POST", "data": {"query": f"mutation {{ {INLINE} }}"}, "headers": HERE},
    "multipart": {
        "method": "POST", "files": {"operations": (None, json.dumps({"query": INLINE}))}, "headers": HERE,
    },
    "graphql as such": {
        "method": "POST", "content": f"mutation {{ {INLINE} }}",
        "headers": {**HERE, "content-type": "application/graphql"},
    },
    "text that mentions json": {
        "method": "POST", "content": json.dumps({"query": f"mutation {{ {INLINE} }}"}),
        "headers": {**HERE, "content-type": "text/plain; application/json"},
    },
    "json that is cut": {"method": "POST", "content": '{"query": "mutation {', "headers": JSON},
    "json that is deep": {"method": "POST", "content": "[" * 100_000, "headers": JSON},
    "another site": {
        "method": "POST", "content": json.dumps({"query": f"mutation {{ {INLINE} }}"}),
        "headers": {"origin": "http://elsewhere.example", "content-type": "application/json"},
    },
}  # fmt: skip


@pytest.fixture
def nothing_is_launched(web: World) -> Iterator[None]:
    before = web.instance.get_runs_count()
    yield
    assert web.instance.get_runs_count() == before


@pytest.mark.usefixtures("nothing_is_launched")
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_viewer_launches_nothing_in_any_disguise_and_the_audit_knows(
    web: World, viewer: TestClient, disguise: str
) -> None:
    before = len(web.audited("access_denied", "vera"))
    answer = viewer.request(url="/graphql", **DISGUISES[disguise])
    assert answer.status_code in {200, 400, 403, 405, 413, 415}
    if answer.status_code == 200:
        assert "UnauthorizedError" in answer.text
    assert "LaunchRunSuccess" not in answer.text
    assert len(web.audited("access_denied", "vera")) > before


@pytest.mark.usefixtures("nothing_is_launched")
@pytest.mark.parametrize("path", ["/graphql/", "//graphql", "/GraphQL", "/graphql;x", "/./graphql", "/%67raphql"])
def test_another_spelling_of_the_path_is_no_way_around(viewer: TestClient, path: str) -> None:
    answer = viewer.post(path, json={"query": LAUNCH, "variables": {"params": PROMOTE}}, headers=HERE)
    assert answer.status_code == 403 or "UnauthorizedError" in answer.text


@pytest.mark.usefixtures("nothing_is_launched")
@pytest.mark.parametrize("kind", ["start", "subscribe"])
@pytest.mark.parametrize(
    "query",
    [
        f"mutation {{ {INLINE} }}",
        f"subscription S {{ locationStateChangeEvents {{ event {{ message }} }} }} mutation M {{ {INLINE} }}",
        f"subscription S {{ ... on Mutation {{ {INLINE} }} }}",
    ],
)
def test_a_websocket_runs_no_mutation(web: World, viewer: TestClient, kind: str, query: str) -> None:
    with viewer.websocket_connect("/graphql", subprotocols=["graphql-ws"], headers=HERE) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        socket.send_json({"type": kind, "id": "1", "payload": {"query": query, "operation_name": "M"}})
        if kind == "start":
            assert socket.receive_json()["type"] in {"error", "data"}
        socket.send_json({"type": "connection_terminate"})
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def launched(web: World, name: str, job: str, **more: Any) -> str:
    said = ask(web.browser(name), LAUNCH, params=launch(job, **more)).json()["data"]["launchRun"]
    return str(said["run"]["runId"]) if said["__typename"] == "LaunchRunSuccess" else str(said.get("message") or said)


def test_each_launches_what_their_roles_allow(web: World) -> None:
    assert "may not" in launched(web, "tom", "parcels_promote")
    assert "may not" in launched(web, "rita", "parcels_release")
    assert "may not" in launched(web, "rita", "parcels_faults")
    assert "tom may not go back to the last good version" in launched(web, "tom", "parcels_rollback")
    assert "may not" in launched(web, "ada", "parcels_rollback")
    assert "may not" in launched(web, "ada", "parcels_monitor")
    assert "no role does" in launched(web, "rita", "no_such_job")
    for name, job in (
        ("tom", "parcels_release"),
        ("tom", "parcels_faults"),
        ("flo", "parcels_promote"),
        ("flo", "parcels_rollback"),
    ):
        run = web.instance.get_run_by_id(launched(web, name, job))
        assert run is not None
        assert launcher(web.home, run.run_id, run.tags) == name
    assert web.audited("changed_in_web", "flo")[-1]["what"] == "launchRun"


@pytest.mark.parametrize(
    ("name", "assets", "may"),
    [
        ("tom", ["snapshot", "model"], True),
        ("tom", ["model", "production"], False),
        ("tom", ["production"], False),
        ("flo", ["production"], True),
        ("flo", ["model"], False),
        ("vera", ["dossier"], False),
        ("tom", ["surprise"], False),
    ],
)
def test_a_selection_needs_the_right_on_each_of_its_assets(
    web: World, name: str, assets: list[str], *, may: bool
) -> None:
    said = launched(web, name, "__ASSET_JOB", selection=assets)
    assert ("may not" not in said) is may, said


def test_who_launched_cannot_be_said_by_the_client(web: World) -> None:
    forged = {LAUNCHED_BY: "rita", SEAL: "0" * 64}
    run = web.instance.get_run_by_id(launched(web, "tom", "parcels_release", tags=forged))
    assert run is not None
    assert run.tags[LAUNCHED_BY] == "tom"
    assert launcher(web.home, run.run_id, run.tags) == "tom"


AGAIN = """
mutation Again($id: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $id, strategy: ALL_STEPS, useParentRunTags: true}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on UnauthorizedError { message } }
}
"""
STOP = "mutation S($id: String!) { terminateRun(runId: $id) { __typename ... on UnauthorizedError { message } } }"


def test_running_again_is_a_launch_of_ones_own(web: World) -> None:
    first = launched(web, "rita", "parcels_promote")
    assert "tom may not" in ask(web.browser("tom"), AGAIN, id=first).text
    again = ask(web.browser("flo"), AGAIN, id=first).json()["data"]["launchRunReexecution"]
    run = web.instance.get_run_by_id(again["run"]["runId"])
    assert run is not None
    assert launcher(web.home, run.run_id, run.tags) == "flo"


def test_a_run_is_ended_by_who_may_on_its_model(web: World) -> None:
    run = launched(web, "rita", "parcels_promote")
    assert "vera may not end a run" in ask(web.browser("vera"), STOP, id=run).text
    assert "flo may not end a run, on all models" in ask(web.browser("flo"), STOP, id="0" * 36).text
    assert "TerminateRunSuccess" in ask(web.browser("flo"), STOP, id=run).text


BUTTONS = """
{ assetsOrError { ... on AssetConnection { nodes { key { path } definition { hasMaterializePermission
    hasWipePermission hasReportRunlessAssetEventPermission jobs { name hasLaunchExecutionPermission } } } } }
  permissions { permission value }
  workspaceOrError { ... on Workspace { locationEntries { permissions { permission value } } } } }
"""


def buttons(web: World, name: str) -> tuple[set[str], set[str], set[str], set[str]]:
    said = ask(web.browser(name), BUTTONS).json()["data"]
    nodes = [one for one in said["assetsOrError"]["nodes"] if one["definition"]]
    assets = {one["key"]["path"][1] for one in nodes if one["definition"]["hasMaterializePermission"]}
    jobs = {
        job["name"]
        for one in nodes
        for job in one["definition"]["jobs"]
        if job["hasLaunchExecutionPermission"] and not job["name"].startswith("__")
    }
    assert not any(one["definition"]["hasWipePermission"] for one in nodes)
    assert not any(one["definition"]["hasReportRunlessAssetEventPermission"] for one in nodes)
    entry = said["workspaceOrError"]["locationEntries"][0]
    here = {one["permission"] for one in entry["permissions"] if one["value"]}
    return assets, jobs, here, {one["permission"] for one in said["permissions"] if one["value"]}


def test_the_buttons_agree_with_the_server(web: World) -> None:
    assert buttons(web, "vera") == (set(), set(), set(), set())
    assets, jobs, here, _ = buttons(web, "tom")
    assert {"snapshot", "model", "staging", "monitoring"} <= assets
    assert "production" not in assets
    assert jobs == {"parcels_release", "parcels_retrain", "parcels_monitor", "parcels_feedback", "parcels_health"}
    assert "launch_pipeline_execution" in here
    assert "edit_sensor" not in here
    assets, jobs, here, everywhere = buttons(web, "flo")
    assert assets == {"staging", "production", "traffic", "monitoring", "feedback", "health", "dossier"}
    assert jobs == {"parcels_promote", "parcels_monitor", "parcels_feedback", "parcels_health"}
    assert {"launch_pipeline_execution", "edit_sensor", "terminate_pipeline_execution"} <= here
    assert everywhere == set()
    assert "launch_pipeline_execution" in buttons(web, "rita")[3]
    assert buttons(web, "ada")[3] == {"reload_workspace", "edit_concurrency_limit"}
    assert buttons(web, "pia")[2] == {"reload_repository_location"}


def test_a_context_without_a_request_is_nobodys(web: World) -> None:
    from ml_platform.access.context import GuardedRequestContext

    context = GuardedRequestContext(web.instance, None, None, None, None, read_only=False)  # type: ignore[arg-type]  # asked for nothing else
    assert context.person == NOBODY
    assert not any(one.enabled for one in context.permissions.values())


BACKFILL = """
mutation B($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on UnauthorizedError { message }
  ... on PythonError { message } } }
"""
WHERE = {"repositoryLocationName": "ml_platform", "repositoryName": "__repository__"}
BY_JOB = {"selector": {"partitionSetName": "parcels_monitor_partition_set", "repositorySelector": WHERE}}
MONTH = {"partitionNames": ["2025-09"], "fromFailure": False}


def paths(*names: str) -> list[dict[str, list[str]]]:
    return [{"path": ["parcels", name]} for name in names]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("vera", BY_JOB),
        ("ada", BY_JOB),
        ("vera", {"assetSelection": paths("traffic", "monitoring")}),
        ("tom", {"assetSelection": paths("traffic", "production")}),
        ("tom", {**BY_JOB, "assetSelection": paths("production")}),
        ("tom", {"partitionsByAssets": [{"assetKey": one} for one in paths("traffic", "production")]}),
        ("rita", {"selector": {**BY_JOB["selector"], "partitionSetName": "no_such_partition_set"}}),
        ("rita", {}),
    ],
)
def test_a_backfill_needs_the_right_on_all_that_it_names(web: World, name: str, params: dict[str, Any]) -> None:
    said = ask(web.browser(name), BACKFILL, params={**MONTH, **params}).json()["data"]["launchPartitionBackfill"]
    assert said["__typename"] == "UnauthorizedError"
    assert f"{name} may not" in said["message"]


CANCEL = "mutation C($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }"
RESUME = "mutation R($id: String!) { resumePartitionBackfill(backfillId: $id) { __typename } }"
ONCE_MORE = """
mutation O($id: String!) {
  reexecutePartitionBackfill(reexecutionParams: {parentRunId: $id, strategy: ALL_STEPS}) { __typename } }
"""


@pytest.mark.parametrize("params", [BY_JOB, {"assetSelection": paths("traffic", "monitoring")}], ids=["job", "assets"])
@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`:DeprecationWarning")  # Dagster calls it itself
def test_a_backfill_is_ended_and_resumed_by_who_may(web: World, params: dict[str, Any]) -> None:
    said = ask(web.browser("rita"), BACKFILL, params={**MONTH, **params}).json()["data"]["launchPartitionBackfill"]
    assert said["__typename"] == "LaunchBackfillSuccess", said
    backfill = said["backfillId"]
    viewer = web.browser("vera")
    assert all("UnauthorizedError" in ask(viewer, query, id=backfill).text for query in (CANCEL, RESUME, ONCE_MORE))
    assert "UnauthorizedError" not in ask(web.browser("tom"), CANCEL, id=backfill).text
