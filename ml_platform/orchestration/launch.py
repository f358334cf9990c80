"""Launch jobs and tick sensors from the command line, on the same instance that the Dagster UI shows."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.tags import MAX_RETRIES_TAG

from ml_platform.core.errors import DataInvalid, PlatformError, PolicyInvalid, Unavailable
from ml_platform.orchestration.hand_on import EXIT_CODE
from ml_platform.orchestration.origin import locate, origin_tags
from ml_platform.orchestration.run_launcher import this_place

if TYPE_CHECKING:
    from dagster._core.execution.plan.objects import StepFailureData

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
CRASHED = 70
EXPLAINED = {kind.__name__ for kind in (DataInvalid, PolicyInvalid, Unavailable)}
# What a step prints goes to the terminal. Dagster's log of it would cost two processes, which fail loudly at Ctrl-C.
AT_A_TERMINAL: Mapping[str, Any] = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
        "config": {},
    }
}
INTERRUPTED = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
RUN_KEY = "dagster/run_key"
SENSOR_NAME = "dagster/sensor_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """How a run ended, by the step that failed first.

    `failure` holds its words and `exit_code` what a command ends with (0 after success); `trace` is its stack trace
    when nobody explained the failure. `made` names the content that each asset was given, by its digest; `judged` the
    assets whose gates were judged.
    """

    run_id: str
    success: bool
    failure: str = ""
    exit_code: int = 0
    trace: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    judged: frozenset[str] = frozenset()


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
        on_line: Callable[[str], None] | None = None,
    ) -> Launched:
        """Run a job to its end in this process, calling `on_step` as each step starts, `on_line` for what it says.

        Raises KeyboardInterrupt when a person ended it.
        """
        run_id = str(uuid.uuid4())

        def hear(entry: dg.EventLogEntry) -> None:
            event = entry.dagster_event
            if on_step is not None and event is not None and event.is_step_start and event.step_key:
                on_step(event.step_key)
            if on_line is not None and event is None:
                on_line(entry.user_message)

        self.instance.add_event_listener(run_id, hear)
        try:
            result = self.definitions.resolve_job_def(job).execute_in_process(
                run_config={**QUIET, **(run_config or {})},
                instance=self.instance,
                partition_key=partition,
                run_id=run_id,
                tags={**origin_tags(), **_of_this_process(), **(tags or {})},
                raise_on_error=False,
            )
        except DagsterExecutionInterruptedError as error:
            raise KeyboardInterrupt from error
        finally:
            locate(self.instance, run_id)
        return _launched(run_id, result)

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
    with (
        _told(root),
        dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(root), overrides=AT_A_TERMINAL)) as instance,
    ):
        yield Dagster(instance=instance, definitions=definitions)


@contextmanager
def _told(root: Path) -> Iterator[None]:
    """Say in words that Dagster's own database can't be used; raises Unavailable."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        message = (
            f"{root / 'dagster.yaml'}: the database that it names for Dagster's history can't be used ({error.orig}); "
            "it has to be readable and writable; free space, wait for whoever holds it, or correct its permissions, "
            "then run the command again"
        )
        raise Unavailable(message) from error


@contextmanager
def _silence() -> Iterator[None]:
    """Keep a tick's own log off the terminal: the caller says what was decided."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _of_this_process() -> dict[str, str]:
    """Return the tags that let the daemon see a run's end when its command was killed, and not begin it anew."""
    here = this_place(process=os.getpid())
    return {MAX_RETRIES_TAG: "0", **(here.tags() if here else {})}


def _request(sensor: dg.SensorDefinition, request: dg.RunRequest) -> Request:
    run_key = {RUN_KEY: request.run_key} if request.run_key else {}
    return Request(
        job=request.job_name or sensor.job_name or "",
        run_config=dict(request.run_config),
        tags={**request.tags, **run_key, SENSOR_NAME: sensor.name},
    )


def _launched(run_id: str, result: dg.ExecuteInProcessResult) -> Launched:
    observed = [event.asset_observation_data.asset_observation for event in result.get_asset_observation_events()]
    made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    given: list[dg.AssetObservation | dg.AssetMaterialization] = [*observed, *made]
    done = Launched(
        run_id=run_id,
        success=result.success,
        made={one.asset_key.path[-1]: str(one.metadata["digest"].value) for one in given if "digest" in one.metadata},
        judged=frozenset(one.asset_key.path[-1] for one in result.get_asset_check_evaluations()),
    )
    failures = result.filter_events(lambda one: one.is_step_failure)
    return replace(done, **_failure(failures[0].step_failure_data)) if failures else done


def _failure(data: StepFailureData) -> dict[str, Any]:
    said = data.user_failure_data
    if said is not None:
        code = (said.metadata or {}).get(EXIT_CODE)
        return {
            "failure": str(said.description).strip(),
            "exit_code": int(str(code.value)) if code else PlatformError.exit_code,
        }
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause  # Dagster's own wrapping says only which step it was
    text = error.message.strip() if error else ""
    if error and error.cls_name in INTERRUPTED:
        raise KeyboardInterrupt
    if error and error.cls_name in EXPLAINED:
        return {"failure": text.partition(": ")[2], "exit_code": PlatformError.exit_code}
    return {"failure": text, "exit_code": CRASHED, "trace": data.error.to_string() if data.error else ""}
