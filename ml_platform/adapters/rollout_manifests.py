"""The rollouts' manifests, beside those of what is live: they tell the service to look into the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ml_platform.core.atomic import write_atomically
from ml_platform.core.errors import Unavailable
from ml_platform.core.ports import Ledger

FOLDER = "deployments"
SUFFIX = ".rollout"
HINT = "Free space or give write permission; the ledger keeps the rollout and the next command shows it."


def rollout_path(home: Path, environment: str, model: str) -> Path:
    """Return where it is shown that a version of a model is tried in an environment."""
    return home / FOLDER / environment / f"{model}{SUFFIX}"


def show_rollouts(home: Path, ledger: Ledger) -> None:
    """Write a manifest for each rollout that runs and remove those of all others; raises Unavailable."""
    running = {rollout_path(home, each.environment, each.model): each for each in ledger.running_rollouts()}
    for path, rollout in running.items():
        content = msgspec.json.format(msgspec.json.encode(rollout)) + b"\n"
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content, hint=HINT)
    for path in (home / FOLDER).glob(f"*/*{SUFFIX}"):
        if path not in running:
            _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}; the rollout has ended. {HINT}") from error
