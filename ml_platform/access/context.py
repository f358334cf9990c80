"""Dagster's permission layer, answered by roles: what its UI enables and what its resolvers ask before they act.

Private parts of the pinned Dagster version: `ml_platform_tests/access/test_dagster_contract.py` holds them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

# Dagster's own, of the pinned version; it exports no permission layer.
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.permissions import LOCATION_SCOPED_PERMISSIONS, PermissionResult, Permissions

from ml_platform.access.actions import Action
from ml_platform.access.decide import allowed
from ml_platform.access.guard import PERSON
from ml_platform.access.person import Person
from ml_platform.access.roles import RIGHTS
from ml_platform.access.targets import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAUNCHING = (
    Action.PREPARE_DATA, Action.TRAIN, Action.WATCH, Action.DEPLOY_STAGING, Action.DEPLOY_PRODUCTION,
)  # fmt: skip
OPERATING = (
    Permissions.START_SCHEDULE, Permissions.STOP_RUNNING_SCHEDULE, Permissions.SCHEDULE_DRY_RUN,
    Permissions.EDIT_SENSOR, Permissions.SENSOR_DRY_RUN, Permissions.UPDATE_SENSOR_CURSOR,
    Permissions.TOGGLE_AUTO_MATERIALIZE,
)  # fmt: skip
# Any of the actions opens the button; which model and which asset is decided where it is pressed.
ACTIONS: Mapping[str, tuple[Action, ...]] = MappingProxyType(
    {
        Permissions.LAUNCH_PIPELINE_EXECUTION: LAUNCHING,
        Permissions.LAUNCH_PIPELINE_REEXECUTION: LAUNCHING,
        Permissions.LAUNCH_PARTITION_BACKFILL: LAUNCHING,
        Permissions.TERMINATE_PIPELINE_EXECUTION: (Action.STOP_RUNS,),
        Permissions.CANCEL_PARTITION_BACKFILL: (Action.STOP_RUNS,),
        Permissions.RELOAD_REPOSITORY_LOCATION: (Action.RELOAD_CODE,),
        Permissions.RELOAD_WORKSPACE: (Action.ADMINISTER,),
        Permissions.EDIT_CONCURRENCY_LIMIT: (Action.ADMINISTER,),
        **dict.fromkeys(OPERATING, (Action.OPERATE,)),
    }
)
NOBODY = Person(name="nobody", grants=())


class GuardedRequestContext(WorkspaceRequestContext):
    """One request's view of the workspace, with the permissions of who makes it."""

    @property
    def person(self) -> Person:
        """Return who makes the request, as the guard found; nobody when it didn't come through the guard."""
        scope: Mapping[str, Any] = getattr(self.source, "scope", {})
        found = scope.get(PERSON)
        return found if isinstance(found, Person) else NOBODY

    @property
    def permissions(self) -> Mapping[str, PermissionResult]:
        """Return what the person may do on all models."""
        return self._permissions(Permissions, everywhere=True)

    def permissions_for_location(self, *, location_name: str) -> Mapping[str, PermissionResult]:  # noqa: ARG002 - Dagster's signature
        """Return what the person may do on some model: all of them live in one code location."""
        return self._permissions(LOCATION_SCOPED_PERMISSIONS, everywhere=False)

    def get_viewer_tags(self) -> dict[str, str]:
        """Return no tags: who launched is written when the run is queued."""
        return {}

    def may(self, target: Target) -> bool:
        """Say whether the person may do one thing."""
        return allowed(self.person, target.action, target.model).allowed

    def _permissions(self, asked: Iterable[Permissions], *, everywhere: bool) -> Mapping[str, PermissionResult]:
        return {one: self._permission(one, everywhere=everywhere) for one in asked}

    def _permission(self, permission: Permissions, *, everywhere: bool) -> PermissionResult:
        actions = ACTIONS.get(permission, (Action.FALSIFY,))
        models = [None] if everywhere else [None, *(grant.model for grant in self.person.grants)]
        enabled = any(self.may(Target(action, model)) for action in actions for model in models)
        return PermissionResult(enabled=enabled, disabled_reason=None if enabled else self._why_not(actions))

    def _why_not(self, actions: tuple[Action, ...]) -> str:
        roles = [role for role, rights in RIGHTS.items() if rights & set(actions)]
        return f"{self.person.name} has no role for this; these do: {', '.join(roles) or 'none'}"


class GuardedProcessContext(WorkspaceProcessContext):
    """The workspace of the guarded web server: every request gets its own permissions."""

    def create_request_context(self, source: object | None = None) -> GuardedRequestContext:
        """Return the context of one request."""
        return GuardedRequestContext(
            instance=self.instance,
            current_workspace=self.get_current_workspace(),
            process_context=self,
            version=self.version,
            source=source,
            read_only=False,
        )
