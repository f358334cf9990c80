"""The only reader of the environment: where the platform keeps its state and who is acting."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ml_platform.core.errors import PolicyInvalid

EVALUATION = "ML_PLATFORM_EVALUATION"
TOKEN = "ML_PLATFORM_TOKEN"  # noqa: S105 - a variable's name
SOURCE = "ML_PLATFORM_SOURCE_"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SCHEDULER = "ML_PLATFORM_SCHEDULER_"
SERVICE = "ML_PLATFORM_SERVICE_"
NOTIFY_URL = "ML_PLATFORM_NOTIFY_URL_"
NOTIFY_KEY = "ML_PLATFORM_NOTIFY_KEY_"
OIDC = "ML_PLATFORM_OIDC_"
OIDC_VARIABLES = (
    "ML_PLATFORM_OIDC_ISSUER", "ML_PLATFORM_OIDC_CLIENT_ID", "ML_PLATFORM_OIDC_CLIENT_SECRET_FILE",
    "ML_PLATFORM_OIDC_NAME_CLAIM", "ML_PLATFORM_OIDC_GROUPS_CLAIM", "ML_PLATFORM_OIDC_GROUPS_FILE",
    "ML_PLATFORM_OIDC_ALLOW_HTTP",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are. `home` holds all state."""

    home: Path
    mlflow_uri: str
    actor: str
    defs: Path | None
    only: tuple[str, ...]
    allowed_urls: tuple[str, ...] = ()
    evaluation: Literal["full", "fast"] | None = None
    checkpoints: str = ""


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def project_root() -> Path:
    """Return the project's folder: the nearest one upwards with a `dagster.yaml`, else the working directory."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "dagster.yaml").is_file()), here)


def load_settings() -> Settings:
    """Read `ML_PLATFORM_HOME`, `_ACTOR`, `_DEFS`, `_ONLY`, `_ALLOWED_URLS` and `MLFLOW_TRACKING_URI`.

    `ML_PLATFORM_DEFS` is a folder of model folders (default: the shipped ones); `ML_PLATFORM_ONLY` a comma-separated
    list of the models to load (default: all). Without `ML_PLATFORM_HOME` the state lies beside the project's
    `dagster.yaml`: in the working directory or the nearest folder above; a folder below has no history of its own.
    `ML_PLATFORM_ALLOWED_URLS` lists, separated by commas, where sources may be fetched from (default: nowhere).
    `ML_PLATFORM_EVALUATION`, full or fast, says how deeply candidates are examined (default: as the model file says).
    Raises PolicyInvalid for any other word. `ML_PLATFORM_CHECKPOINTS`, a path or a URL, says where the audit chain's
    checkpoints are kept (default: in the home).
    """
    home = Path(os.environ.get("ML_PLATFORM_HOME") or project_root() / ".ml_platform").absolute()
    defs = os.environ.get("ML_PLATFORM_DEFS")
    only = os.environ.get("ML_PLATFORM_ONLY", "")
    return Settings(
        home=home,
        mlflow_uri=os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
        actor=os.environ.get("ML_PLATFORM_ACTOR") or _actor(),
        defs=Path(defs).absolute() if defs else None,
        only=tuple(name.strip() for name in only.split(",") if name.strip()),
        allowed_urls=allowed_urls(),
        evaluation=_evaluation(),
        checkpoints=os.environ.get("ML_PLATFORM_CHECKPOINTS", "").strip(),
    )


def allowed_urls() -> tuple[str, ...]:
    """Return the beginnings of URLs that sources may be fetched from."""
    return tuple(url.strip() for url in os.environ.get("ML_PLATFORM_ALLOWED_URLS", "").split(",") if url.strip())


def token() -> str:
    """Return the secret by which the acting person is known; empty when there is none. It is shown nowhere."""
    return os.environ.get(TOKEN, "")


def oidc_variables() -> dict[str, str]:
    """Return what is said of the identity provider, by the rest of each variable's name; empty ones left out."""
    found = {name.removeprefix(OIDC): os.environ.get(name, "").strip() for name in OIDC_VARIABLES}
    return {name: text for name, text in found.items() if text}


def forget_token() -> None:
    """Drop the secret, so that no process started from now on acts as this person."""
    os.environ.pop(TOKEN, None)


def _evaluation() -> Literal["full", "fast"] | None:
    match said := os.environ.get(EVALUATION, ""):
        case "":
            return None
        case "full" | "fast":
            return said
        case _:
            raise PolicyInvalid(
                [f"{EVALUATION}: is {said!r}; full or fast is needed; unset it to follow the model file"]
            )


@contextlib.contextmanager
def evaluated(profile: Literal["full", "fast"]) -> Iterator[None]:
    """Let candidates be evaluated in full or fast meanwhile, whatever their model files say."""
    before = os.environ.get(EVALUATION)
    os.environ[EVALUATION] = profile
    try:
        yield
    finally:
        if before is None:
            del os.environ[EVALUATION]
        else:
            os.environ[EVALUATION] = before


@contextlib.contextmanager
def threads_of_children(count: int) -> Iterator[None]:
    """Let the processes started meanwhile compute with so many threads; those already running aren't reached."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def source_url(name: str) -> str | None:
    """Return the database URL that `ML_PLATFORM_SOURCE_<NAME>` holds, if it is set; it may hold a password."""
    return os.environ.get(variable_of(name)) or None


def waiting_policy() -> str:
    """Return how OpenMP's threads wait (`OMP_WAIT_POLICY`); empty when nothing says so."""
    return os.environ.get("OMP_WAIT_POLICY", "").lower()


def environment_of_child(home: Path, changes: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment for a child that keeps all of its state in `home`, with some changes."""
    here = {"ML_PLATFORM_HOME": str(home), "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}"}
    return {**os.environ, **here, **changes}


def environment_of_mlflow(changes: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment for MLflow's own server, with some changes.

    What would let it call out, run jobs or take other stores is left out, and so are the platform's own secrets.
    """
    others = ("MLFLOW_", "_MLFLOW_", "ML_PLATFORM_", "DAGSTER_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(others)}, **changes}


def environment_of_installer(place: Path, cache: Path) -> dict[str, str]:
    """Return this process's environment for `uv`: it installs into `place`, and downloads no Python.

    What was installed before is kept in `cache`, unless `UV_CACHE_DIR` says where.
    """
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    ours = {"UV_PROJECT_ENVIRONMENT": str(place), "UV_PYTHON_DOWNLOADS": "never"}
    return {"UV_CACHE_DIR": str(cache), **kept, **ours}


def variable_of(name: str) -> str:
    """Return the name of the variable that holds a source's URL; no model file can name any other variable.

    >>> variable_of("warehouse")
    'ML_PLATFORM_SOURCE_WAREHOUSE'
    """
    return SOURCE + name.upper()


def notify_url(channel: str) -> str:
    """Return where a notification channel leads to, from `ML_PLATFORM_NOTIFY_URL_<CHANNEL>`; it may hold a token."""
    return os.environ.get(notify_variable(channel), "").strip()


def notify_key(channel: str) -> str:
    """Return the secret that signs a webhook's requests, from `ML_PLATFORM_NOTIFY_KEY_<CHANNEL>`."""
    return os.environ.get(notify_variable(channel, what="KEY"), "").strip()


def notify_variable(channel: str, *, what: Literal["URL", "KEY"] = "URL") -> str:
    """Return the name of the variable that holds a channel's secret.

    >>> notify_variable("team_slack")
    'ML_PLATFORM_NOTIFY_URL_TEAM_SLACK'
    """
    return (NOTIFY_URL if what == "URL" else NOTIFY_KEY) + channel.upper()


def environment_of_sender() -> dict[str, str]:
    """Return this process's environment for a child that sends one message: without the platform's own secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ML_PLATFORM_")}


def service_url(model: str) -> str | None:
    """Return where a model's service is asked whether it is well, from `ML_PLATFORM_SERVICE_<MODEL>`, if it is set."""
    return os.environ.get(SERVICE + model.upper(), "").strip() or None


def scheduler_address(name: str) -> str | None:
    """Return the Dask scheduler's address that `ML_PLATFORM_SCHEDULER_<NAME>` holds, if it is set."""
    return os.environ.get(scheduler_variable(name)) or None


def scheduler_variable(name: str) -> str:
    """Return the name of the variable that holds a scheduler's address.

    >>> scheduler_variable("cluster")
    'ML_PLATFORM_SCHEDULER_CLUSTER'
    """
    return SCHEDULER + name.upper()
