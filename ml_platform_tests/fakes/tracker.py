"""`FakeTracker`: the Tracker port in memory; `down` makes it unreachable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_platform.core.errors import Unavailable
from ml_platform.core.ports import TrainingRun
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.core.trial import Trial


class FakeTracker:
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.down = False
        self.runs: dict[str, TrainingRun] = {}
        self.trials: dict[str, tuple[Trial, ...]] = {}
        self.metrics: dict[str, dict[str, float]] = {}
        self.released: dict[tuple[str, int], str] = {}
        self.aliases: dict[tuple[str, str], int] = {}

    def _reach(self) -> None:
        if self.down:
            raise Unavailable("the tracker can't be reached")

    def log_training(self, run: TrainingRun) -> str:
        self._reach()
        run_id = f"run{len(self.runs) + 1}"
        self.runs[run_id] = run
        return run_id

    def log_trials(self, model: str, run_id: str, trials: Sequence[Trial]) -> None:
        self._reach()
        self.trials[run_id] = tuple(trials)

    def log_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        self._reach()
        self.metrics.setdefault(run_id, {}).update(metrics)

    def has_run(self, run_id: str) -> bool:
        self._reach()
        return run_id in self.runs

    def project_release(self, release: ReleaseRecord, run_id: str) -> None:
        self._reach()
        self.released[release.model, release.version] = run_id

    def project_live(self, deployment: DeploymentRecord) -> None:
        self._reach()
        self.aliases[deployment.model, deployment.environment] = deployment.version
