"""MLflow: where people look at training runs and versions; what is live is decided elsewhere and only shown here."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ml_platform.adapters.mlflow_client import database_of, open_client
from ml_platform.adapters.mlflow_errors import explained
from ml_platform.adapters.mlflow_model import describe_model
from ml_platform.adapters.mlflow_rows import MlflowRows
from ml_platform.core.digest import short
from ml_platform.core.errors import Unavailable
from ml_platform.core.shown import release_tags
from ml_platform.core.trial import DEFAULT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from ml_platform.core.ports import TrainingRun
    from ml_platform.core.records import DeploymentRecord, ReleaseRecord
    from ml_platform.core.trial import Trial


class MlflowTracker:
    """Tracks training runs in MLflow; see `Tracker`. Nothing leaves the tracking URI, nothing is written elsewhere.

    With a SQLite URI artefacts lie under `artifact_root`; with a server's URI the server decides. MLflow's own client
    makes a SQLite database; from then on rows are written straight into its tables where their revision is known.
    Every method raises Unavailable when MLflow can't be reached or has lost what is asked for.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path) -> None:
        self.tracking_uri = tracking_uri
        self.artifact_root = artifact_root

    def log_training(self, run: TrainingRun) -> str:
        """Write a run down, with what points to its model, and return its id."""
        with self._explained("a training run can't be written"):
            rows = self._rows()
            experiment = self._experiment_id(run.model)
            if rows is not None:
                return self._write_training(rows, experiment, run)
            return self._send_training(experiment, run)

    def log_trials(self, model: str, run_id: str, trials: Sequence[Trial]) -> None:
        """Write the trials of a study down as runs inside a training run."""
        with self._explained(f"the trials of run {run_id} can't be written"):
            rows = self._rows()
            experiment = self._experiment_id(model)
            for trial in trials:
                tags, name = _trial_tags(run_id, trial), _trial_name(trial)
                losses = {"loss": trial.losses[-1]} if trial.losses else {}
                status = "FAILED" if trial.state == "failed" else "FINISHED"
                if rows is not None:
                    started = rows.start(experiment, name, tags)
                    rows.log(started, losses, trial.parameters)
                    rows.end(started, status)
                else:
                    started = self._client.create_run(experiment, tags=tags, run_name=name).info.run_id
                    self._log_batch(started, losses, trial.parameters)
                    self._client.set_terminated(started, status=status)

    def log_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Add metrics to a run."""
        with self._explained(f"metrics of run {run_id} can't be written"):
            rows = self._rows()
            if rows is not None:
                rows.log(run_id, metrics, {})
            else:
                self._log_batch(run_id, metrics, {})

    def has_run(self, run_id: str) -> bool:
        """Say whether a run is tracked and finished."""
        with self._explained("runs can't be read"):
            rows = self._rows()
            if rows is not None:
                return rows.is_finished(run_id)
            run = self._run(run_id)
            return run is not None and run.info.status == "FINISHED" and run.info.lifecycle_stage == "active"

    def project_release(self, release: ReleaseRecord, run_id: str) -> None:
        """Show a release as a registered model version; the same call twice changes nothing."""
        with self._explained(f"version {release.version} of {release.model} can't be shown"):
            if self._version_of(release.model, release.evidence_digest) is not None:
                return
            model_id, source = self._logged_model(run_id)
            rows = self._rows()
            if rows is not None:
                rows.add_version(release.model, run_id, source, release_tags(release))
                return
            self._ensure_registered(release.model)
            self._client.create_model_version(
                release.model, source=source, run_id=run_id, model_id=model_id, tags=release_tags(release)
            )

    def project_live(self, deployment: DeploymentRecord) -> None:
        """Point the environment's alias at the live version; the same call twice changes nothing."""
        with self._explained(f"{deployment.environment} of {deployment.model} can't be shown"):
            shown = self._version_of(deployment.model, deployment.evidence_digest)
            if shown is None:
                message = (
                    f"MLflow at {self.tracking_uri}: version {deployment.version} of {deployment.model} isn't "
                    "registered there; it is shown as live only once it is; project the release first"
                )
                raise Unavailable(message)
            rows = self._rows()
            if rows is not None:
                rows.point(deployment.model, deployment.environment, shown)
            else:
                self._client.set_registered_model_alias(deployment.model, deployment.environment, str(shown))

    def _rows(self) -> MlflowRows | None:
        return MlflowRows.at(database_of(self.tracking_uri))

    def _write_training(self, rows: MlflowRows, experiment: str, run: TrainingRun) -> str:
        run_id, model_id = rows.start(experiment, _name(run), run.tags), f"m-{uuid.uuid4().hex}"
        try:
            rows.log(run_id, run.metrics, run.parameters)
            target = Path(unquote(urlsplit(rows.model_location(experiment, model_id)).path))
            with self._described(run, run_id=run_id, model_id=model_id) as folder:
                target.parent.mkdir(parents=True)
                folder.rename(target)
            rows.add_model(experiment, run_id, model_id, name=run.model, tags=run.tags)
        except BaseException:
            rows.end(run_id, "FAILED")
            raise
        rows.end(run_id, "FINISHED")
        return run_id

    def _send_training(self, experiment: str, run: TrainingRun) -> str:
        started = self._client.create_run(experiment, tags=dict(run.tags), run_name=_name(run))
        run_id: str = started.info.run_id
        try:
            self._log_batch(run_id, run.metrics, run.parameters)
            self._log_model(run_id, experiment, run)
        except BaseException:
            self._client.set_terminated(run_id, status="FAILED")
            raise
        self._client.set_terminated(run_id)
        return run_id

    @functools.cached_property
    def _client(self) -> MlflowClient:
        return open_client(self.tracking_uri)

    def _experiment_id(self, model: str) -> str:
        rows = self._rows()
        known = rows.experiment(model, self._location(model) or "") if rows is not None else None
        return known or self._revived_experiment(model)

    def _revived_experiment(self, model: str) -> str:
        found = self._client.get_experiment_by_name(model)
        if found is None:
            return str(self._client.create_experiment(model, artifact_location=self._location(model)))
        if found.lifecycle_stage != "active":
            self._client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _location(self, model: str) -> str | None:
        return None if database_of(self.tracking_uri) is None else (self.artifact_root.absolute() / model).as_uri()

    def _run(self, run_id: str) -> Run | None:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def _log_batch(self, run_id: str, metrics: Mapping[str, float], parameters: Mapping[str, object]) -> None:
        from mlflow.entities import Metric, Param

        at = time.time_ns() // 1_000_000
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, value, at, 0) for name, value in metrics.items()],
            params=[Param(name, str(value)) for name, value in parameters.items() if value is not None],
        )

    def _log_model(self, run_id: str, experiment_id: str, run: TrainingRun) -> None:
        from mlflow.entities import LoggedModelOutput

        logged = self._client.create_logged_model(
            experiment_id,
            name=run.model,
            source_run_id=run_id,
            tags=dict(run.tags),
            model_type="lightgbm",
        )
        with self._described(run, run_id=run_id, model_id=logged.model_id) as folder:
            self._client.log_model_artifacts(logged.model_id, str(folder))
        self._client.finalize_logged_model(logged.model_id, "READY")
        self._client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])

    @contextlib.contextmanager
    def _described(self, run: TrainingRun, *, run_id: str, model_id: str) -> Iterator[Path]:
        self.artifact_root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=self.artifact_root) as scratch:
            folder = Path(scratch) / "model"
            folder.mkdir()
            describe_model(folder, run, run_id=run_id, model_id=model_id)
            yield folder

    def _logged_model(self, run_id: str) -> tuple[str, str]:
        rows = self._rows()
        found = rows.model_of(run_id) if rows is not None else self._sent_model(run_id)
        if found is None:
            message = (
                f"MLflow at {self.tracking_uri}: has no run {run_id} with a model; a version is registered from its "
                "training run; restore MLflow's database or train again"
            )
            raise Unavailable(message)
        return found

    def _sent_model(self, run_id: str) -> tuple[str, str] | None:
        run = self._run(run_id)
        outputs = run.outputs.model_outputs if run is not None and run.outputs is not None else []
        if not outputs:
            return None
        model_id: str = outputs[0].model_id
        return model_id, self._client.get_logged_model(model_id).artifact_location

    def _ensure_registered(self, model: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _version_of(self, model: str, evidence_digest: str) -> int | None:
        rows = self._rows()
        if rows is not None:
            return rows.version_of(model, evidence_digest)
        found = self._client.search_model_versions(f"name = '{model}' and tags.evidence_digest = '{evidence_digest}'")
        return min((int(version.version) for version in found), default=None)

    def _explained(self, what: str) -> contextlib.AbstractContextManager[None]:
        return explained(self.tracking_uri, what)


def _name(run: TrainingRun) -> str:
    return f"{run.model} {short(run.tags['model_digest'])}" if "model_digest" in run.tags else run.model


def _trial_name(trial: Trial) -> str:
    return "the learner as it is" if trial.number == DEFAULT else f"trial {trial.number}"


def _trial_tags(run_id: str, trial: Trial) -> dict[str, str]:
    """Return a trial's tags; `mlflow.parentRunId` is what MLflow's pages nest runs by."""
    said = {"mlflow.parentRunId": run_id, "trial": str(trial.number), "state": trial.state}
    return {**said, "reason": trial.reason} if trial.reason else said
