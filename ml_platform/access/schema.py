"""The guard inside Dagster's GraphQL schema: each mutation asks before it runs, however it was written down.

Aliases, fragments, several operations, variables and transports all end at a field of the schema; so it is asked there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dagster_graphql.schema.errors import GrapheneUnauthorizedError
from graphql import GraphQLError, GraphQLField, GraphQLResolveInfo, get_named_type

from ml_platform.access.actions import Action
from ml_platform.access.context import GuardedRequestContext
from ml_platform.access.decide import allowed
from ml_platform.access.needs import FALSIFY, NEEDS
from ml_platform.access.targets import Target, Targets, models_of, of_assets, of_job, of_run
from ml_platform.access.trail import CHANGED, DENIED

if TYPE_CHECKING:
    from graphene import Schema

    from ml_platform.access.trail import Trail

Resolver = Callable[..., Any]
Asked = Callable[[GuardedRequestContext, Any], Targets]


class NotAllowed(GraphQLError):
    """A field that the person may not have."""


def guard(schema: Schema, trail: Trail) -> Schema:
    """Wrap every mutation, what prints of steps are read, and what the UI asks before it shows a button."""
    types = schema.graphql_schema.type_map
    for name, field in _fields(types["Mutation"]).items():
        field.resolve = _asking(name, field, trail)
    for parent in ("Query", "Subscription"):
        for name in LOGS:
            if name in _fields(types[parent]):
                _guard_logs(_fields(types[parent])[name])
    for (parent, name), asked in BUTTONS.items():
        _fields(types[parent])[name].resolve = _button(_fields(types[parent])[name], asked)
    return schema


def _fields(of: Any) -> dict[str, GraphQLField]:
    fields: dict[str, GraphQLField] = of.fields
    return fields


def _asking(name: str, field: GraphQLField, trail: Trail) -> Resolver:
    resolve, need = field.resolve, NEEDS.get(name, FALSIFY)
    typed = "UnauthorizedError" in {one.name for one in getattr(get_named_type(field.type), "types", ())}

    def asking(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        context, targets = info.context, need(info.context, arguments)
        why = _denied(context, targets)
        where = {"what": name, "source": _address(context)}
        if why is not None:
            trail.note(DENIED, actor=context.person.name, subject=_subject(targets), why=why, **where)
            if typed:
                return GrapheneUnauthorizedError(message=why)
            raise NotAllowed(why)
        trail.record(CHANGED, actor=context.person.name, subject=_subject(targets), **where)
        return resolve(root, info, **arguments) if resolve else None

    return asking


def _denied(context: GuardedRequestContext, targets: Targets) -> str | None:
    for target in targets:
        decision = allowed(context.person, target.action, target.model)
        if not decision.allowed:
            return decision.reason
    return None


def _subject(targets: Targets) -> str:
    models = sorted({target.model for target in targets if target.model is not None})
    return models[0] if len(models) == 1 else "access"


def _address(context: GuardedRequestContext) -> str:
    client = getattr(context.source, "client", None)
    return client.host if client else "unknown"


LOGS = ("capturedLogs", "capturedLogsMetadata")


def log_targets(context: GuardedRequestContext, run_id: str) -> Targets:
    """Return what reading a run's output comes to; of an unknown run it needs the right on all models."""
    if context.instance.get_run_by_id(run_id) is None:
        return (Target(Action.READ_LOGS, None),)
    return models_of(of_run(context, run_id), Action.READ_LOGS)


def _guard_logs(field: GraphQLField) -> None:
    def guarded(inner: Resolver) -> Resolver:
        def asking(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
            key = arguments.get("logKey") or [""]
            why = _denied(info.context, log_targets(info.context, key[0]))
            if why is not None:
                raise NotAllowed(why)
            return inner(root, info, **arguments)

        return asking

    if field.subscribe is not None:
        field.subscribe = guarded(field.subscribe)
    elif field.resolve is not None:
        field.resolve = guarded(field.resolve)


def _button(field: GraphQLField, asked: Asked) -> Resolver:
    resolve = field.resolve

    def button(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> bool:
        enabled = resolve(root, info, **arguments) if resolve else False
        return bool(enabled) and _denied(info.context, asked(info.context, root)) is None

    return button


def _of_pipeline(context: GuardedRequestContext, root: Any) -> Targets:
    handle = root.get_represented_job().handle
    return of_job(context, handle.location_name, handle.repository_name, handle.job_name)


def _stops(context: GuardedRequestContext, root: Any) -> Targets:
    return models_of(of_run(context, root.run_id), Action.STOP_RUNS)


BUTTONS: dict[tuple[str, str], Asked] = {
    ("AssetNode", "hasMaterializePermission"): lambda _context, root: of_assets([root._asset_node_snap.asset_key]),  # noqa: SLF001
    ("Pipeline", "hasLaunchExecutionPermission"): _of_pipeline,
    ("Pipeline", "hasLaunchReexecutionPermission"): _of_pipeline,
    ("Job", "hasLaunchExecutionPermission"): _of_pipeline,
    ("Job", "hasLaunchReexecutionPermission"): _of_pipeline,
    ("Run", "hasReExecutePermission"): lambda context, root: of_run(context, root.run_id),
    ("Run", "hasTerminatePermission"): _stops,
}
