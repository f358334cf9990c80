"""A model's jobs: release, promote, retrain, monitor; each a stretch of the path without gaps, gates included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.orchestration.console import CONFIG
from ml_platform.orchestration.executor import in_process_or_forkserver
from ml_platform.orchestration.wiring import asset_key, tags_of

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

    from ml_platform.policy.load import GovernedModelFile

RELEASE = (
    "source", "snapshot", "quarantine", "split", "features", "model", "evaluation", "report", "release", "cost",
    "staging",
)  # fmt: skip
TUNING = ("tuning",)
PROMOTE = ("production",)
DOSSIER = ("dossier",)
MONITOR = ("traffic", "monitoring")
FEEDBACK = ("feedback",)
HEALTH = ("health",)


def jobs(file: GovernedModelFile) -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs of a model; monitoring only when the model file says how to watch it."""
    automatic = file.spec.deployment.production == "automatic"
    release = RELEASE + (TUNING if file.spec.tuning else ())
    found = [
        _job(file, "release", release + DOSSIER, "From the source to staging: every stage, every gate."),
        _job(
            file, "promote", PROMOTE + DOSSIER,
            "Make the version that staging holds live in production, if the lock lets it.",
        ),
        _job(
            file, "retrain", release + (PROMOTE if automatic else ()) + DOSSIER,
            "Release again on newer rows; `as_of` in the snapshot's config says before which day.",
        ),
        _job(file, "health", HEALTH, "Look at machine, daemon, service, channels and what ends soon."),
    ]  # fmt: skip
    if file.spec.monitoring is not None:
        found.append(_job(file, "monitor", MONITOR, "Collect a window of production's traffic and judge it."))
        found.append(_job(file, "feedback", FEEDBACK, "Hold the outcomes that came against the predictions."))
    return found


def _job(file: GovernedModelFile, name: str, assets: tuple[str, ...], about: str) -> UnresolvedAssetJobDefinition:
    spec = file.spec
    return dg.define_asset_job(
        f"{spec.model}_{name}",
        selection=dg.AssetSelection.assets(*(asset_key(spec.model, asset) for asset in assets)),
        description=about,
        tags=tags_of(spec),
        executor_def=in_process_or_forkserver,
        config=CONFIG,
    )
