"""Launch jobs and tick sensors from the command line, on the same instance that the Dagster UI shows."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from ml_platform.core.errors import Unavailable

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
RUN_KEY = "dagster/run_key"
SENSOR_NAME = "dagster/sensor_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """How a run ended; `failure` holds the words of the step that failed first."""

    run_id: str
    success: bool
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A run that a sensor asked for; its tags are those that Dagster's daemon would set."""

    job: str
    run_config: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What a sensor said: the runs it asked for, or why it asked for none."""

    requests: tuple[Request, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dagster:
    """The jobs and sensors of a project, on the instance that keeps its history."""

    instance: dg.DagsterInstance
    definitions: dg.Definitions

    def launch(
        self,
        job: str,
        *,
        partition: str | None = None,
        run_config: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
        on_step: Callable[[str], None] | None = None,
    ) -> Launched:
        """Run a job to its end in this process, calling `on_step` as each step starts."""
        run_id = str(uuid.uuid4())

        def hear(entry: dg.EventLogEntry) -> None:
            event = entry.dagster_event
            if on_step is not None and event is not None and event.is_step_start and event.step_key:
                on_step(event.step_key)

        self.instance.add_event_listener(run_id, hear)
        result = self.definitions.resolve_job_def(job).execute_in_process(
            run_config={**QUIET, **(run_config or {})},
            instance=self.instance,
            partition_key=partition,
            run_id=run_id,
            tags=dict(tags or {}),
            raise_on_error=False,
        )
        return Launched(run_id=run_id, success=result.success, failure=_failure(result))

    def tick(self, sensor: str) -> Tick:
        """Evaluate a sensor once, as Dagster's daemon does; a run key that had its run asks for nothing."""
        context = dg.build_sensor_context(
            instance=self.instance, repository_def=self.definitions.get_repository_def(), sensor_name=sensor
        )
        found = self.definitions.resolve_sensor_def(sensor)
        with _silence():
            data = found.evaluate_tick(context)
        fresh = [one for one in data.run_requests or () if not self._had_run(sensor, one.run_key)]
        reason = data.skip_message or ("" if fresh else "every run that it asks for has been made already")
        return Tick(requests=tuple(_request(found, one) for one in fresh), reason=reason)

    def _had_run(self, sensor: str, run_key: str | None) -> bool:
        if run_key is None:
            return False
        known = dg.RunsFilter(tags={RUN_KEY: run_key, SENSOR_NAME: sensor})
        return bool(self.instance.get_runs(known, limit=1))


@contextmanager
def open_dagster(root: Path, definitions: dg.Definitions) -> Iterator[Dagster]:
    """Open the instance that `dagster.yaml` in `root` describes; raises Unavailable when there is none."""
    if not (root / "dagster.yaml").is_file():
        raise Unavailable(
            f"{root}: there is no dagster.yaml; it says where Dagster keeps its state; go to the project's folder"
        )
    with dg.DagsterInstance.from_config(str(root)) as instance:
        yield Dagster(instance=instance, definitions=definitions)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep a tick's own log off the terminal: the caller says what was decided."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _request(sensor: dg.SensorDefinition, request: dg.RunRequest) -> Request:
    run_key = {RUN_KEY: request.run_key} if request.run_key else {}
    return Request(
        job=request.job_name or sensor.job_name or "",
        run_config=dict(request.run_config),
        tags={**request.tags, **run_key, SENSOR_NAME: sensor.name},
    )


def _failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.filter_events(lambda one: one.is_step_failure):
        data = event.step_failure_data
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause  # Dagster's own wrapping says only which step it was
        said = data.user_failure_data.description if data.user_failure_data else None
        return str(said or (error.message if error else "")).strip()
    return ""
