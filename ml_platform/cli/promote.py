"""`ml-platform promote`: move a version to an environment, if its evidence allows it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting, say_refused
from ml_platform.cli.models import find_release, load, split_reference, utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.core.rollout import RolloutRecord

DEPLOY = {"staging": Action.DEPLOY_STAGING, "production": Action.DEPLOY_PRODUCTION}


@click.command(name="promote")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option("--env", "environment", type=ENVIRONMENTS, required=True, help="Where to.")
@click.option("--reason", required=True, help="Why; it is written to the audit.")
@click.option("--despite-freeze", default=None, metavar="REASON", help="Why now, though a freeze holds; audited.")
@click.option(
    "--with-fewer-approvals", default=None, metavar="REASON", help="Why with fewer than what is live had; audited."
)
@click.option("--direct", default=None, metavar="REASON", help="Why untried, though the model file says how; audited.")
@click.option("--by", "actor", default=None, help="Who; default: ML_PLATFORM_ACTOR, else the login name.")
def command(
    reference: str,
    *,
    environment: str,
    reason: str,
    despite_freeze: str | None,
    with_fewer_approvals: str | None,
    direct: str | None,
    actor: str | None,
) -> int:
    """Promote a version (default: the newest) and verify it where it runs. Exit 1: refused, 3: evidence is missing.

    Where the model file has a strategy for production, it begins to try the version beside what is live instead.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.deploying import Wish, deploy
    from ml_platform.orchestration.desk import Desk
    from ml_platform.reports.terminal import verdict_lines
    from ml_platform.stages.objection import Refused

    settings = load_settings()
    governed = load(split_reference(reference)[0])
    with open_platform(settings) as platform:
        person = acting(platform, DEPLOY[environment], governed.spec.model, by=actor)
        overrides = {
            "--despite-freeze": despite_freeze,
            "--with-fewer-approvals": with_fewer_approvals,
            "--direct": direct,
        }
        for option, why in overrides.items():
            if why is None:
                continue
            _check_override(option, why)
            acting(platform, Action.DEPLOY_PRODUCTION, governed.spec.model, by=actor)
        release = find_release(platform, reference)
        named = dataclasses.replace(platform, settings=dataclasses.replace(settings, actor=person))
        desk = Desk(file=governed, platform=named, now=utc_now(), run_id="", say=click.echo)
        wish = Wish(
            release=release, environment=environment, reason=reason, despite_freeze=(despite_freeze or "").strip(),
            directly=(direct or "").strip(), fewer_approvals=(with_fewer_approvals or "").strip(),
        )  # fmt: skip
        decided = deploy(desk, wish)
    what = f"{release.model} v{release.version} → {environment}"
    if isinstance(decided, Refused):
        return say_refused(what, decided)
    if decided.rollout is not None:
        return _say_tried(decided.rollout)
    live = decided.deployment
    if not decided.unchanged:
        click.echo("\n".join(verdict_lines(decided.verdicts)))
    if decided.after:
        click.echo(f"✗ {what}: it failed its check where it runs; {decided.after}", err=True)
        return 1
    click.echo(f"✓ {live.model} v{live.version} is live in {environment} (by {live.actor}: {live.reason})")
    if decided.unchanged:
        click.echo("  it was live already; its evidence was read again and still holds; nothing changed")
    else:
        click.echo(f"  next: ml-platform serve {release.model} --env {environment}")
    return 0


def _say_tried(rollout: RolloutRecord) -> int:
    from ml_platform.cli.rollout import how

    click.echo(f"✓ {rollout.model} v{rollout.version} is tried in {rollout.environment} {how(rollout)}")
    click.echo(f"  by {rollout.actor}: {rollout.reason}")
    click.echo(f"  next: ml-platform rollout {rollout.model} says how it goes")
    return 0


def _check_override(option: str, reason: str) -> None:
    if not reason.strip():
        raise DataInvalid(f"{option}: says nothing; a reason is needed, it is written to the audit; give one")
