"""What MLflow shows, kept true: looked at on every tick of a sensor, at every promotion, and when somebody asks."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import Unavailable
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.stages.put_back import PutBack, Showing

SENSOR = "mlflow_put_back_sensor"
SECONDS_BETWEEN_TICKS = 60


def put_back_all(platform: Platform, models: Sequence[str], *, now: dt.datetime) -> dict[str, PutBack]:
    """Undo what somebody else wrote to what MLflow shows of some models; those with nothing to say are left out."""
    from ml_platform.stages.put_back import PutBack, put_back

    doubted = {model: why for model in models if (why := why_doubted(platform, model))}
    with _showing(platform) as showing:
        done = {model: put_back(showing, model, now=now) for model in models if model not in doubted}
    done |= {model: PutBack(problems=(why,)) for model, why in doubted.items()}
    return {model: one for model, one in done.items() if one.found or one.problems}


def why_doubted(platform: Platform, model: str) -> str:
    """Say why what the ledger calls live isn't the platform's doing, so that nothing may show it; else nothing."""
    from ml_platform.core.signed_deployment import why_not_newest
    from ml_platform.stages.versions import ENVIRONMENTS

    for environment in ENVIRONMENTS:
        history = platform.ledger.history(model, environment)
        live = platform.ledger.live(model, environment)
        if not history:
            continue
        why = why_not_newest(platform.signing, history) or ("it isn't the newest" if live != history[-1] else "")
        if why:
            return f"the deployment that the ledger holds in {environment} isn't the platform's ({why})"
    return ""


def differences(platform: Platform, models: Sequence[str]) -> list[str]:
    """Return in words what MLflow shows otherwise than the ledger; nothing is put back. Raises Unavailable."""
    from ml_platform.stages.put_back import look

    with _showing(platform) as showing:
        sound = [model for model in models if not why_doubted(platform, model)]
        return [f"MLflow, {model}: {what}" for model in sound for what in look(showing, model)]


def lies_at_home(platform: Platform) -> bool:
    """Say whether MLflow's store is this home's own file: cheap to look at, and no other home's to be kept true."""
    from ml_platform.adapters.mlflow_client import database_of

    database = database_of(platform.settings.mlflow_uri)
    return database is not None and database.is_file() and database.resolve().is_relative_to(platform.home.resolve())


def words(all_done: dict[str, PutBack]) -> Iterator[str]:
    """Yield a line for each thing that was found, and for what couldn't be put back."""
    for model, one in all_done.items():
        done_about_it = (
            "written to the audit, not put back yet" if one.problems else "put back, and written to the audit"
        )
        for found in one.found:
            yield f"MLflow, {model}: {found}; {done_about_it}"
        for problem in one.problems:
            yield f"MLflow, {model}: can't be compared with the ledger just now: {problem}; `ml-platform audit verify`"


def put_back_sensor(models: Sequence[str]) -> dg.SensorDefinition:
    """Return the sensor that compares what MLflow shows with the ledger; it starts no run."""
    return dg.SensorDefinition(
        name=SENSOR,
        evaluation_fn=lambda context: _tick(context, models),
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Compares the aliases, tags and versions that MLflow shows with the ledger, and puts back what somebody "
            "else wrote there. It starts no run; each tick says what was found."
        ),
    )


def _tick(context: dg.SensorEvaluationContext, models: Sequence[str]) -> dg.SkipReason:
    from ml_platform.adapters.platform import open_platform

    settings = load_settings()
    if not (settings.home / "ledger.sqlite").is_file():
        return dg.SkipReason("nothing was ever released, so nothing is shown")
    with open_platform(settings) as platform:
        said = list(words(put_back_all(platform, models, now=dt.datetime.now(tz=dt.UTC))))
    for line in said:
        context.log.warning(line)
    return dg.SkipReason("; ".join(said)[:1000] or "MLflow shows what the ledger says")


@contextlib.contextmanager
def _showing(platform: Platform) -> Iterator[Showing]:
    from ml_platform.adapters.deployments import alone, project_alone
    from ml_platform.stages.put_back import Showing

    def settle() -> int:
        done = project_alone(platform.home, store=platform.store, ledger=platform.ledger, tracker=platform.tracker)
        if done.problems:
            raise Unavailable(done.problems[0])
        return done.done

    with alone(platform.home):
        yield Showing(ledger=platform.ledger, tracker=platform.tracker, registry=platform.registry, settle=settle)
