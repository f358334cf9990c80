"""`ml-platform rollout`: what is tried beside the live version, how it goes, and ending it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting, say_refused
from ml_platform.cli.models import load, model_path, utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.rollout import Rollout, RolloutRecord
    from ml_platform.orchestration.desk import Desk

ENVIRONMENT = "production"


@click.command(name="rollout")
@click.argument("model")
@click.option("--look", is_flag=True, help="Look now, and do what follows: go on, promote, stop, or give up.")
@click.option("--cancel", is_flag=True, help="Take the version back unjudged; it isn't barred.")
@click.option("--reason", default="", help="Why it is cancelled; it is written to the audit.")
@click.option("--by", "actor", default=None, help="Who; default: ML_PLATFORM_ACTOR, else the login name.")
def command(model: str, *, look: bool, cancel: bool, reason: str, actor: str | None) -> int:
    """Say what of MODEL is tried in production, how the last look went, and how earlier trials ended.

    Exit 1: `--look` stopped or gave up the version, or the lock kept a proven one out.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.desk import Desk

    if look and cancel:
        raise click.UsageError("--look and --cancel exclude each other; leave one out")
    settings = load_settings()
    model_path(settings, model)
    with open_platform(settings) as platform:
        if not (look or cancel):
            click.echo("\n".join(_lines(platform, model)))
            return 0
        found = platform.ledger.rollout(model, ENVIRONMENT)
        if found is None:
            raise DataInvalid(f"{model}@{ENVIRONMENT}: no version is on trial; see `ml-platform envs {model}`")
        person = acting(platform, Action.END_ROLLOUT if look else Action.ROLL_BACK, model, by=actor)
        named = dataclasses.replace(platform, settings=dataclasses.replace(settings, actor=person))
        desk = Desk(file=load(model), platform=named, now=utc_now(), run_id="", say=click.echo)
        return _look(desk, found) if look else _cancel(desk, found, reason)


def how(rollout: RolloutRecord) -> str:
    """Say how a version is tried."""
    share = f"as a canary that answers {rollout.weight:.0%}"
    sticky = f", by {rollout.sticky_by}" if rollout.sticky_by else ""
    kind = "in the shadow of" if rollout.strategy == "shadow" else f"{share}{sticky}, beside"
    return f"{kind} v{rollout.champion}"


def _look(desk: Desk, found: RolloutRecord) -> int:
    from ml_platform.orchestration.rolling_out import roll
    from ml_platform.stages.rollout_look import GiveUp, Stop
    from ml_platform.stages.rollout_words import said

    rolled = roll(desk, found)
    for one in rolled.look.measurements:
        click.echo(f"  {said(one)}")
    for reason in rolled.look.decision.reasons:
        click.echo(f"  - {reason}")
    if rolled.refused is not None:
        return say_refused(f"{found.model} v{found.version} → {found.environment}", rolled.refused)
    bad = isinstance(rolled.look.decision, Stop | GiveUp) or bool(rolled.deployed and rolled.deployed.after)
    click.echo(f"{'✗' if bad else '✓'} {found.model}: {rolled.done}", err=bad)
    return int(bad)


def _cancel(desk: Desk, found: RolloutRecord, reason: str) -> int:
    from ml_platform.orchestration.rolling_out import cancel

    cancel(desk, found, reason)
    click.echo(f"✓ {found.model} v{found.version} is no longer tried in {found.environment}; v{found.champion} is live")
    return 0


def _lines(platform: Platform, model: str) -> Iterator[str]:
    rollouts = platform.ledger.rollouts(model, ENVIRONMENT)
    if not rollouts or rollouts[-1].end is not None:
        yield f"{model}: no version is on trial in {ENVIRONMENT}"
    for each in rollouts:
        yield _told(each)
    if rollouts and rollouts[-1].end is None:
        yield from _last_look(platform, rollouts[-1].begun)


def _told(rollout: Rollout) -> str:
    begun, end = rollout.begun, rollout.end
    head = f"  v{begun.version} {how(begun)}, since {begun.since:%Y-%m-%d %H:%M} UTC by {begun.actor}: {begun.reason}"
    return head if end is None else f"{head}; {end.outcome} {end.at:%Y-%m-%d %H:%M} UTC by {end.actor}: {end.reason}"


def _last_look(platform: Platform, begun: RolloutRecord) -> Iterator[str]:
    from ml_platform.stages.rollout_story import LOOKED

    last = platform.ledger.last(LOOKED, subject=f"{begun.model}@{begun.environment}")
    if last is None or last.payload.get("rollout_id") != begun.rollout_id:
        yield "  nobody has looked yet; the sensor does where Dagster runs and knows the file's strategy, or: --look"
        return
    yield f"  looked at {last.at:%Y-%m-%d %H:%M} UTC: {last.payload.get('decision')}"
    reasons = last.payload.get("reasons")
    yield from (f"    - {reason}" for reason in (reasons if isinstance(reasons, list) else []))
