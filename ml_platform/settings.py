"""The only reader of the environment: where the platform keeps its state and who is acting."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path

SOURCE = "ML_PLATFORM_SOURCE_"
SCHEDULER = "ML_PLATFORM_SCHEDULER_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are. `home` holds all state."""

    home: Path
    mlflow_uri: str
    actor: str
    defs: Path | None
    only: tuple[str, ...]
    allowed_urls: tuple[str, ...] = ()


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _root() -> Path:
    """Return the project's folder: the nearest one upwards with a `dagster.yaml`, else the working directory."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "dagster.yaml").is_file()), here)


def load_settings() -> Settings:
    """Read `ML_PLATFORM_HOME`, `_ACTOR`, `_DEFS`, `_ONLY`, `_ALLOWED_URLS` and `MLFLOW_TRACKING_URI`.

    `ML_PLATFORM_DEFS` is a folder of model folders (default: the shipped ones); `ML_PLATFORM_ONLY` a comma-separated
    list of the models to load (default: all). Without `ML_PLATFORM_HOME` the state lies beside the project's
    `dagster.yaml`: in the working directory or the nearest folder above; a folder below has no history of its own.
    `ML_PLATFORM_ALLOWED_URLS` lists, separated by commas, where sources may be fetched from (default: nowhere).
    """
    home = Path(os.environ.get("ML_PLATFORM_HOME") or _root() / ".ml_platform").absolute()
    defs = os.environ.get("ML_PLATFORM_DEFS")
    only = os.environ.get("ML_PLATFORM_ONLY", "")
    return Settings(
        home=home,
        mlflow_uri=os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
        actor=os.environ.get("ML_PLATFORM_ACTOR") or _actor(),
        defs=Path(defs).absolute() if defs else None,
        only=tuple(name.strip() for name in only.split(",") if name.strip()),
        allowed_urls=allowed_urls(),
    )


def allowed_urls() -> tuple[str, ...]:
    """Return the beginnings of URLs that sources may be fetched from."""
    return tuple(url.strip() for url in os.environ.get("ML_PLATFORM_ALLOWED_URLS", "").split(",") if url.strip())


def source_url(name: str) -> str | None:
    """Return the database URL that `ML_PLATFORM_SOURCE_<NAME>` holds, if it is set; it may hold a password."""
    return os.environ.get(variable_of(name)) or None


def variable_of(name: str) -> str:
    """Return the name of the variable that holds a source's URL; no model file can name any other variable.

    >>> variable_of("warehouse")
    'ML_PLATFORM_SOURCE_WAREHOUSE'
    """
    return SOURCE + name.upper()


def scheduler_address(name: str) -> str | None:
    """Return the Dask scheduler's address that `ML_PLATFORM_SCHEDULER_<NAME>` holds, if it is set."""
    return os.environ.get(scheduler_variable(name)) or None


def scheduler_variable(name: str) -> str:
    """Return the name of the variable that holds a scheduler's address.

    >>> scheduler_variable("cluster")
    'ML_PLATFORM_SCHEDULER_CLUSTER'
    """
    return SCHEDULER + name.upper()
