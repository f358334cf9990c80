"""The factory: a model file becomes Dagster definitions. The component and `definitions` both go through here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg

import ml_platform
from ml_platform.core.errors import PolicyInvalid
from ml_platform.orchestration.automation import automation_sensor
from ml_platform.orchestration.broken import broken_model
from ml_platform.orchestration.console import console
from ml_platform.orchestration.cost_asset import cost_asset
from ml_platform.orchestration.data_assets import features_asset, snapshot_asset, source_asset, split_asset
from ml_platform.orchestration.deployment_assets import production_asset, staging_asset
from ml_platform.orchestration.dossier_asset import dossier_asset
from ml_platform.orchestration.executor import in_process_or_forkserver
from ml_platform.orchestration.fault_trials import faults_job
from ml_platform.orchestration.feedback_asset import feedback_asset
from ml_platform.orchestration.health_asset import health_asset
from ml_platform.orchestration.health_sensor import health_sensor
from ml_platform.orchestration.jobs import jobs
from ml_platform.orchestration.model_assets import evaluation_asset, model_asset
from ml_platform.orchestration.records import RECORDS, RECORDS_KEY, RESOURCES
from ml_platform.orchestration.release_assets import release_asset
from ml_platform.orchestration.retrain_sensor import retrain_sensor
from ml_platform.orchestration.rollback_job import rollback_job
from ml_platform.orchestration.rollback_sensor import rollback_sensor
from ml_platform.orchestration.rollout_job import rollout_asset, rollout_job
from ml_platform.orchestration.rollout_sensor import rollout_sensor
from ml_platform.orchestration.showing import put_back_sensor
from ml_platform.orchestration.telling import notifications_sensor
from ml_platform.orchestration.window_assets import window_assets
from ml_platform.orchestration.window_sensor import window_sensor
from ml_platform.policy.load import GovernedModelFile, discover, load_model
from ml_platform.policy.spec import Monitoring
from ml_platform.policy.strategy import Direct
from ml_platform.settings import Settings

Factory = Callable[[GovernedModelFile], dg.AssetsDefinition]
PATH: Sequence[Factory] = (
    source_asset, snapshot_asset, split_asset, features_asset, model_asset, evaluation_asset, release_asset,
    cost_asset, staging_asset, production_asset, dossier_asset, health_asset,
)  # fmt: skip


def build_model(file: GovernedModelFile) -> dg.Definitions:
    """Return the assets with their gates, the jobs, and the sensors of a model that is watched."""
    watched = file.spec.monitoring
    tried = not isinstance(file.spec.deployment.strategy, Direct)
    watching = [feedback_asset(file), *window_assets(file, watched)] if watched else []
    return dg.Definitions(
        assets=[*(make(file) for make in PATH), *watching, *([rollout_asset(file)] if tried else [])],
        jobs=[*jobs(file), faults_job(file), rollback_job(file), *([rollout_job(file)] if tried else [])],
        sensors=[*(sensors(file, watched) if watched else []), *([rollout_sensor(file)] if tried else [])],
        resources={RECORDS_KEY: RECORDS},
    )


def sensors(file: GovernedModelFile, watched: Monitoring) -> list[dg.SensorDefinition]:
    """Return the sensors of a model that is watched."""
    automatic = watched.roll_back == "automatic"
    by_itself = [rollback_sensor(file, watched)] if automatic else []
    return [window_sensor(file, watched), retrain_sensor(file, watched), automation_sensor(file, watched), *by_itself]


def load_definitions(path: Path) -> dg.Definitions:
    """Return the definitions of a model file, or the stand-in that explains why there are none."""
    try:
        file = load_model(path, now=dt.datetime.now(tz=dt.UTC))
    except PolicyInvalid as error:
        return broken_model(path, error)
    return build_model(file)


def build_all(settings: Settings) -> dg.Definitions:
    """Return the definitions of every model in the configured folder, the broken ones included."""
    folder = settings.defs or Path(ml_platform.__file__).parent / "defs"
    paths = discover(folder, settings.only)
    models = [load_definitions(path) for path in paths]
    shared = dg.Definitions(
        executor=in_process_or_forkserver,
        resources=RESOURCES,
        loggers={"console": console},
        sensors=[
            put_back_sensor([path.parent.name for path in paths]),
            notifications_sensor(paths),
            health_sensor(paths),
        ],
    )
    return dg.Definitions.merge(shared, *models)
