"""`ml-platform rollback`: back to the last good version; the present one is barred."""

from __future__ import annotations

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting, say_refused, show_outside
from ml_platform.cli.models import model_path, utc_now
from ml_platform.settings import load_settings


@click.command(name="rollback")
@click.argument("model")
@click.option("--env", "environment", type=ENVIRONMENTS, required=True, help="Where.")
@click.option("--reason", required=True, help="Why; it is written to the audit and stays with the barred version.")
@click.option("--by", "actor", default=None, help="Who; default: ML_PLATFORM_ACTOR, else the login name.")
def command(model: str, environment: str, reason: str, actor: str | None) -> int:
    """Roll MODEL back to the last good version. Exit 1: there is none."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.objection import Refused
    from ml_platform.stages.rollback import rollback

    settings = load_settings()
    model_path(settings, model)
    with open_platform(settings) as platform:
        decided = rollback(
            platform.ledger,
            platform.store,
            model,
            environment,
            actor=acting(platform, Action.ROLL_BACK, model, by=actor),
            reason=reason,
            now=utc_now(),
        )
        if isinstance(decided, Refused):
            return say_refused(f"rollback of {model} in {environment}", decided)
        show_outside(platform, decided.deployment)
        click.echo(f"  v{decided.barred} is barred: it can't be promoted again")
        for problem in decided.problems:
            click.echo(f"! the audit chain is broken: {problem}; see `ml-platform audit verify`", err=True)
    return 0
