"""Rollout check: a challenger is tried only when the platform itself began that, beside exactly what is live."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml_platform.adapters.deployments import Manifest
from ml_platform.adapters.ledger.looking import rollouts_in
from ml_platform.adapters.rollout_manifests import rollout_path
from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import DeploymentRecord
from ml_platform.core.rollout import Rollout, RolloutRecord, why_not_begun
from ml_platform.serving.release_check import release_of, require_evidence_of
from ml_platform.serving.signed_check import require_signed


def manifest_of(rollout: RolloutRecord) -> Manifest:
    """Return what would be shown if the challenger were live."""
    return Manifest(
        model=rollout.model,
        environment=rollout.environment,
        version=rollout.version,
        model_digest=rollout.model_digest,
        evidence_digest=rollout.evidence_digest,
        since=rollout.since,
    )


def running_rollout(home: Path, live: Manifest) -> RolloutRecord | None:
    """Return the rollout beside what is served, None once it has ended; raises DataInvalid for one that isn't sound.

    Its challenger is as proven as what is live has to be: registered, with signed evidence of exactly its model.
    """
    found, rollouts = rollouts_in(home / "ledger.sqlite", live.model, live.environment)
    if rollouts and rollouts[-1].end is not None:
        return None
    where = rollout_path(home, live.environment, live.model)
    why = _why_not(home, live, found, rollouts)
    if why:
        message = f"{where}: a version is to be tried, but {why}; the live one answers everything."
        raise DataInvalid(f"{message} Run `ml-platform audit verify`, or end the rollout.")
    challenger = manifest_of(rollouts[-1].begun)
    evidence = require_evidence_of(home, challenger)
    require_signed(home, release_of(home, challenger), evidence)
    return rollouts[-1].begun


def _why_not(home: Path, live: Manifest, found: DeploymentRecord | None, rollouts: Sequence[Rollout]) -> str:
    from ml_platform.adapters.signing_keys import FileSigningKeys

    if not rollouts:
        return "the ledger knows of no rollout"
    *before, newest = rollouts
    if found is None or not live.shows(found) or not newest.begun.is_beside(found):
        return f"v{live.version} is served, and it was begun beside v{newest.begun.champion}"
    if any(each.end is None for each in before):
        return "the ledger knows of two at once"
    if any(newest.begun.since <= each.begun.since for each in before) or newest.begun.since <= found.since:
        return "it is an old rollout that was put there again"
    why = why_not_begun(FileSigningKeys(home), newest.begun)
    return f"its rollout isn't the platform's: {why}" if why else ""
