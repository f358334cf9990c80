"""The deployment manifest: what the scoring service watches; written from the ledger, never an authority itself."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ml_platform.adapters.rollout_manifests import FOLDER, show_rollouts
from ml_platform.core.atomic import write_atomically
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.plain_file import read_plain
from ml_platform.core.ports import ArtefactStore, Ledger, Tracker
from ml_platform.core.records import SCHEMA_VERSION, DeploymentRecord

MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one environment serves of one model."""

    schema_version: int = SCHEMA_VERSION
    model: str
    environment: str
    version: int
    model_digest: str
    evidence_digest: str
    since: dt.datetime

    def shows(self, live: DeploymentRecord | None) -> bool:
        """Say whether this is exactly the version, model and evidence that is live."""
        names = ("model", "environment", "version", "model_digest", "evidence_digest")
        return live is not None and all(getattr(self, name) == getattr(live, name) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """How many deployments were shown to the outside, and what stopped the others; those are tried again later."""

    done: int
    problems: tuple[str, ...] = ()


def manifest_path(home: Path, environment: str, model: str) -> Path:
    """Return where the manifest of a model in an environment lies."""
    return home / FOLDER / environment / f"{model}.json"


def write_manifest(home: Path, store: ArtefactStore, deployment: DeploymentRecord) -> Path:
    """Write the manifest of a deployment atomically and durably; raises Unavailable when its model is gone."""
    if not store.has("models", deployment.model_digest):
        message = (
            f"{home}: the model {deployment.model_digest} of {deployment.model} v{deployment.version} isn't in the "
            f"store; {deployment.environment} needs it. Restore the folder models/{deployment.model_digest}."
        )
        raise Unavailable(message)
    manifest = Manifest(
        model=deployment.model,
        environment=deployment.environment,
        version=deployment.version,
        model_digest=deployment.model_digest,
        evidence_digest=deployment.evidence_digest,
        since=deployment.since,
    )
    path = manifest_path(home, deployment.environment, deployment.model)
    write_atomically(
        path,
        msgspec.json.format(msgspec.json.encode(manifest)) + b"\n",
        hint="Free space or give write permission; the ledger keeps the deployment and the next command shows it.",
    )
    return path


def read_manifest(home: Path, environment: str, model: str) -> Manifest | None:
    """Return the manifest, or None when nothing was ever deployed; raises DataInvalid when it isn't one."""
    path = manifest_path(home, environment, model)
    if not os.path.lexists(path):
        return None
    hint = f"the deployment manifest has to be readable. Check it, or run `ml-platform show {model}`"
    content = read_plain(path, most_bytes=MOST_BYTES, hint=hint)
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise DataInvalid(f"{path}: not a deployment manifest ({error}). Run `ml-platform show {model}`.") from error
    if manifest.schema_version != SCHEMA_VERSION:
        message = f"{path}: schema version {manifest.schema_version}, known: {SCHEMA_VERSION}. Update the platform."
        raise DataInvalid(message)
    return manifest


def project(home: Path, *, store: ArtefactStore, ledger: Ledger, tracker: Tracker) -> Projected:
    """Show every pending deployment as a manifest and a tracker alias; what fails stays pending and is reported.

    What is tried beside it is shown, too. Each pending entry says only that something changed: what is shown is what
    is live *now*, so a late retry can't bring an old version back. The manifest comes first, so that the service
    follows even when the tracker is down.
    """
    with alone(home):
        return project_alone(home, store=store, ledger=ledger, tracker=tracker)


def project_alone(home: Path, *, store: ArtefactStore, ledger: Ledger, tracker: Tracker) -> Projected:
    """Do what `project` does, for who is `alone` already."""
    shown: list[DeploymentRecord] = []
    problems: list[str] = []

    def show(pending: DeploymentRecord) -> None:
        live = ledger.live(pending.model, pending.environment) or pending
        try:
            write_manifest(home, store, live)
            tracker.project_live(live)
        except Unavailable as error:
            problems.append(str(error))
            raise
        shown.append(live)

    try:
        ledger.project(show)
    except Unavailable:
        if not problems:  # the ledger itself failed
            raise
    try:
        show_rollouts(home, ledger)
    except (Unavailable, OSError) as error:
        problems.append(str(error))
    return Projected(done=len(shown), problems=tuple(dict.fromkeys(problems)))


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold a lock between processes, so that a slow writer can't overwrite what a newer one has shown."""
    folder = home / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Unavailable(_unwritable(folder, error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> str:
    return (
        f"{path}: {error.strerror}; the deployment manifest has to be written here. "
        "Free space or give write permission; the ledger keeps the deployment and the next command shows it."
    )
