"""`ml-platform promote`: move a version to an environment, if its evidence allows it."""

from __future__ import annotations

import click

from ml_platform.cli.decide import ENVIRONMENTS, say_refused, show_outside, someone
from ml_platform.cli.models import find_release, load, split_reference, utc_now
from ml_platform.settings import load_settings


@click.command(name="promote")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option("--env", "environment", type=ENVIRONMENTS, required=True, help="Where to.")
@click.option("--reason", required=True, help="Why; it is written to the audit.")
@click.option("--by", "actor", default=None, help="Who; default: ML_PLATFORM_ACTOR, else the login name.")
def command(reference: str, environment: str, reason: str, actor: str | None) -> int:
    """Promote a version (default: the newest). Exit 1: refused, 3: evidence is missing."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.policy.conditions import conditions_of
    from ml_platform.stages.objection import Refused
    from ml_platform.stages.promote import promote

    settings = load_settings()
    person = someone(actor if actor is not None else settings.actor)
    governed = load(split_reference(reference)[0])
    with open_platform(settings) as platform:
        release = find_release(platform, reference)
        decided = promote(
            governed.policy,
            store=platform.store,
            ledger=platform.ledger,
            model=release.model,
            version=release.version,
            environment=environment,
            actor=person,
            reason=reason,
            now=utc_now(),
            conditions=conditions_of(governed.spec),
        )
        if isinstance(decided, Refused):
            return say_refused(f"{release.model} v{release.version} → {environment}", decided)
        show_outside(platform, decided.deployment)
        if decided.unchanged:
            click.echo("  it was live already; nothing changed")
        else:
            click.echo(f"  next: ml-platform serve {release.model} --env {environment}")
    return 0
