"""`ml-platform incident`: a wrong answer becomes a case that every later version has to answer right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting
from ml_platform.cli.models import load, utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.incident import Incident
    from ml_platform.core.traffic import Prediction

REVIEW_DAYS = 180
BY = click.option("--by", "actor", help="Who says so; default: ML_PLATFORM_ACTOR.")


@click.group(name="incident")
def command() -> None:
    """Keep a wrong answer as a case that every later version has to answer right."""


@command.command(name="new")
@click.argument("model")
@click.option("--prediction", "prediction_id", required=True, help="The id that the service answered with.")
@click.option("--env", "environment", type=ENVIRONMENTS, default="production", show_default=True, help="Of which log.")
@click.option("--expected", "decision", help="The decision that would have been right: positive, negative, or a class.")
@click.option("--at-least", type=float, help="The least score that would have been right.")
@click.option("--at-most", type=float, help="The greatest score that would have been right.")
@click.option("--of", help="Of several classes: whose probability the score is.")
@click.option("--reason", required=True, help="What was wrong with it; said to whoever's candidate fails on it.")
@click.option("--review", type=click.DateTime(["%Y-%m-%d"]), help="When to look at it again; default: in 180 days.")
@BY
def new(  # noqa: PLR0917  (each is an option of its own)
    model: str,
    prediction_id: str,
    environment: str,
    decision: str | None,
    at_least: float | None,
    at_most: float | None,
    of: str | None,
    reason: str,
    review: dt.datetime | None,
    actor: str | None,
) -> int:
    """Open an incident on an answer of MODEL: later candidates that give it again are refused."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.incidents import Expected, Said, open_incident

    spec, now = load(model).spec, utc_now()
    expected = Expected(decision=decision, at_least=at_least, at_most=at_most, of=of)
    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.APPROVE, model, by=actor or None)
        day = review.date() if review else (now + dt.timedelta(days=REVIEW_DAYS)).date()
        said = Said(actor=person, reason=reason, now=now, review=day)
        prediction = _find(platform, environment, model, prediction_id)
        opened = open_incident(spec, prediction, expected, said, store=platform.store, ledger=platform.ledger)
    click.echo(f"✓ {opened.name}: every later candidate of {model} has to answer it; review on {opened.review}")
    return 0


@command.command(name="list")
@click.argument("model")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
def list_(model: str, *, everything: bool) -> int:
    """Say which incidents of MODEL are open, what is expected, and which reviews are due."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.incidents import incidents

    load(model)
    with open_platform(load_settings()) as platform:
        found = [one for one in incidents(platform.ledger, model) if everything or one.is_open]
        lines = [line for one in found for line in _lines(platform, one)]
    click.echo("\n".join(lines) if lines else f"{model}: there are no {'' if everything else 'open '}incidents")
    return 0


@command.command(name="close")
@click.argument("model")
@click.argument("name")
@click.option("--reason", required=True, help="Why later candidates may answer it otherwise; it stays on record.")
@BY
def close(model: str, name: str, *, reason: str, actor: str | None) -> int:
    """Close the incident NAME of MODEL."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.incidents import close_incident

    load(model)
    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.APPROVE, model, by=actor or None)
        close_incident(platform.ledger, model, name, actor=person, reason=reason, now=utc_now())
    click.echo(f"✓ {name} is closed (by {person}: {reason}); it stays on record")
    return 0


def _find(platform: Platform, environment: str, model: str, prediction_id: str) -> Prediction:
    from ml_platform.adapters.traffic_log import read, traffic_folder

    served = read(traffic_folder(platform.home, environment, model), keys=platform.keys)
    found = next((one for one in served.predictions if one.id == prediction_id), None)
    if found is None:
        message = f"{model}: {environment}'s log has no prediction {prediction_id[:60]!r}; give the id of an answer"
        raise DataInvalid(message)
    return found


def _lines(platform: Platform, incident: Incident) -> Iterator[str]:
    from ml_platform.reports.plain_text import one_line
    from ml_platform.stages.incidents import read_case
    from ml_platform.stages.measure_incidents import expected_text

    case = read_case(platform.store, incident)
    due = "; its review is due" if incident.is_open and incident.review <= utc_now().date() else ""
    state = "open" if incident.is_open else f"closed by {incident.closed_by}: {incident.closed_reason}"
    yield f"{incident.name}  {one_line(state)}{due}"
    yield f"    expected: {expected_text(case)}; v{case.version} answered {case.answered:.4g}"
    if incident.slice:
        yield f"    where: {one_line(incident.slice)}"
    yield f"    why: {one_line(incident.reason)} (by {incident.opened_by}, {incident.opened_at:%Y-%m-%d})"
    yield f"    review: {incident.review}"
