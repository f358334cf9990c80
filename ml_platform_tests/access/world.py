"""The guarded web server in this process: the small model, one person per role, no daemon."""

from __future__ import annotations

import contextlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ml_platform.access.context import GuardedProcessContext
from ml_platform.access.door import Door
from ml_platform.access.mlflow_server import MlflowServer
from ml_platform.access.server import GuardedWebserver
from ml_platform.access.tokens import new_token
from ml_platform.access.trail import Trail
from ml_platform.access.web import SEALING, open_door
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.cli.models import utc_now
from ml_platform_tests.access.people import PASSWORD, people
from ml_platform_tests.browser.dagster_dev import ROOT
from ml_platform_tests.orchestration.small_model import write_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_platform.access.users import FileUsers

ORIGIN = "http://testserver"
HERE = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
LOCATION, REPOSITORY = "ml_platform", "__repository__"
DEFINITIONS = "ml_platform.definitions"


@dataclass(frozen=True)
class World:
    home: Path
    app: Starlette
    door: Door
    instance: DagsterInstance
    ledger: SqliteLedger

    def browser(self, name: str = "") -> TestClient:
        """Return a browser in which somebody has signed in, or nobody."""
        client = TestClient(self.app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)
        if name:
            assert sign_in(client, name).status_code == 303
        return client

    def token(self, name: str) -> dict[str, str]:
        """Return the headers of somebody who comes with a token."""
        text, kept = new_token("test", now=utc_now(), days=1)
        self.door.users.add_token(name, kept)
        return {"authorization": f"Bearer {text}"}

    def audited(self, action: str, actor: str) -> list[Mapping[str, object]]:
        return [one.payload for one in self.ledger.audit() if one.action == action and one.actor == actor]


def sign_in(client: TestClient, who: str, password: str = PASSWORD, **more: str) -> Any:
    """Fill in the form as a person does."""
    page = client.get("/login").text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    form = {"name": who, "password": password, "csrf": csrf, "next": "/runs", **more}
    return client.post("/login", data=form, headers=HERE)


def ask(client: TestClient, query: str, headers: Mapping[str, str] = HERE, **variables: object) -> Any:
    """Send GraphQL as the UI does."""
    return client.post("/graphql", json={"query": query, "variables": variables}, headers=dict(headers))


def launch(job: str, *, selection: list[str] | None = None, tags: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the parameters by which the UI launches a job, or some assets."""
    selector: dict[str, Any] = {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "jobName": job}
    if selection is not None:
        selector |= {"assetSelection": [{"path": ["parcels", name]} for name in selection]}
    said = [{"key": key, "value": value} for key, value in (tags or {}).items()]
    return {"selector": selector, "runConfigData": {}, "mode": "default", "executionMetadata": {"tags": said}}


LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""


@contextlib.contextmanager
def loaded_anew() -> Iterator[None]:
    """Let `ml_platform.definitions` be loaded with the present settings, and by the next one with theirs."""
    before = sys.modules.pop(DEFINITIONS, None)
    try:
        yield
    finally:
        sys.modules.pop(DEFINITIONS, None)
        if before is not None:
            sys.modules[DEFINITIONS] = before


@contextlib.contextmanager
def world_in(folder: Path) -> Iterator[World]:
    """Serve the small model in a folder of its own."""
    shutil.copy(ROOT / "dagster.yaml", folder)
    write_model(folder)
    home = folder / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_PLATFORM_HOME", str(home))
        patch.setenv("ML_PLATFORM_DEFS", str(folder / "defs"))
        patch.chdir(folder)
        with guarded_in(folder, people(home)) as world:
            yield world


@contextlib.contextmanager
def guarded_in(folder: Path, users: FileUsers) -> Iterator[World]:
    """Serve the models of a folder that the settings name already."""
    home = folder / "home"
    target = LoadableTargetOrigin(module_name=DEFINITIONS, working_directory=str(ROOT))
    origin = InProcessCodeLocationOrigin(target, location_name=LOCATION)
    with (
        loaded_anew(),
        contextlib.closing(SqliteLedger(home / "ledger.sqlite", clock=utc_now)) as ledger,
        DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=SEALING)) as instance,
        GuardedProcessContext(instance, InProcessWorkspaceLoadTarget(origin), version="") as workspace,
        contextlib.closing(MlflowServer(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")) as mlflow,
    ):
        door = open_door(home, ledger)
        door.users, door.trail = users, Trail(ledger, utc_now, most_a_minute=10_000)
        yield World(home, GuardedWebserver(workspace, door, mlflow).create_asgi_app(), door, instance, ledger)
