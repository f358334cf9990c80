"""`ml-platform web`: Dagster's UI behind the guard, with its daemon and one code server for both."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_platform.access.door import Door
from ml_platform.access.oidc import Oidc
from ml_platform.access.oidc_provider import Provider
from ml_platform.access.oidc_settings import read_oidc_settings
from ml_platform.access.seal import seal_key
from ml_platform.access.trail import Trail
from ml_platform.access.users import FileUsers
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.settings import forget_token

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from starlette.applications import Starlette

    from ml_platform.core.ports import Ledger

# Runs are queued with a seal that says who launched them. The daemon, which nobody reaches, needs no such queue.
SEALING: Mapping[str, Any] = {
    "run_coordinator": {"module": "ml_platform.access.coordinator", "class": "SealingQueue", "config": {}}
}
GRACE_SECONDS = 10
END_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Where to listen: `root` is the project's folder, `port` 0 any free one; `https`: a proxy in front speaks TLS."""

    home: Path
    root: Path
    host: str = "127.0.0.1"
    port: int = 3000
    https: bool = False
    daemon: bool = True
    mlflow_uri: str = ""


def open_door(home: Path, ledger: Ledger, *, https: bool = False) -> Door:
    """Return the door of a home; raises DataInvalid without users, PolicyInvalid for wrong settings."""
    users = FileUsers(home)
    if not users.all():
        message = (
            f"{users.path}: there are no users, so nobody could sign in; add an admin first: "
            "`ml-platform users add NAME --role admin`; `make ui` shows Dagster without a login, on this machine only"
        )
        raise DataInvalid(message)
    seal_key(home)
    return Door(users=users, trail=Trail(ledger, _utc_now), clock=_utc_now, https=https, oidc=_oidc(users))


def _oidc(users: FileUsers) -> Oidc | None:
    settings = read_oidc_settings()
    return None if settings is None else Oidc(Provider(settings), users, _utc_now)


def run_web(web: Web, door: Door, *, announce: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM; the daemon and the code server end with it."""
    import uvicorn

    forget_token()  # or runs that nobody vouches for would act for who started the server
    listener = _listen(web)
    with _instance(web.root) as instance, _workspace(web, instance) as files, _daemon(web, files), _app(
        instance, files, door, web.mlflow_uri
    ) as app:  # fmt: skip
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )  # fmt: skip
        announce(f"http://{web.host}:{listener.getsockname()[1]}")
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


@contextlib.contextmanager
def _instance(root: Path) -> Iterator[DagsterInstance]:
    from dagster import DagsterInstance
    from dagster._core.instance.ref import InstanceRef

    if not (root / "dagster.yaml").is_file():
        raise Unavailable(
            f"{root}: there is no dagster.yaml; it says where Dagster keeps its state; go to the project's folder"
        )
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(root), overrides=SEALING)) as instance:
        yield instance


@contextlib.contextmanager
def _workspace(web: Web, instance: DagsterInstance) -> Iterator[list[str]]:
    """Start the code servers that the workspace names, and yield files that say where they listen."""
    import tempfile

    from dagster._cli.proxy_server_manager import ProxyServerManager
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from yaml import safe_dump

    target = WorkspaceFileTarget([str(web.root / "workspace.yaml")])
    with (
        ProxyServerManager(instance, target, code_server_log_level="WARNING") as servers,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "workspace.yaml"
        path.write_text(safe_dump({"load_from": list(servers.get_code_server_specs())}), encoding="utf-8")
        yield [str(path)]


@contextlib.contextmanager
def _daemon(web: Web, files: list[str]) -> Iterator[None]:
    if not web.daemon:
        yield
        return
    command = [sys.executable, "-m", "dagster._daemon", "run", "--log-level", "warning"]
    for file in files:
        command += ["--workspace", file]
    # Its own group: Ctrl-C is for this process, which ends it.
    process = subprocess.Popen(command, cwd=web.root, start_new_session=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _app(instance: DagsterInstance, files: list[str], door: Door, mlflow_uri: str) -> Iterator[Starlette]:
    from dagster import __version__
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    from ml_platform.access.context import GuardedProcessContext
    from ml_platform.access.mlflow_server import MlflowServer
    from ml_platform.access.server import GuardedWebserver

    with (
        GuardedProcessContext(instance, WorkspaceFileTarget(files), version=__version__) as workspace,
        contextlib.closing(MlflowServer(mlflow_uri)) as mlflow,
    ):
        yield GuardedWebserver(workspace, door, mlflow).create_asgi_app()


def _listen(web: Web) -> socket.socket:
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    try:
        return socket.create_server((web.host, web.port), family=family)
    except (OSError, OverflowError) as error:
        message = (
            f"{web.host}:{web.port}: can't listen there ({error}); an address of this machine and a free port are "
            "needed; choose others with --host and --port"
        )
        raise Unavailable(message) from error


def _utc_now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)
