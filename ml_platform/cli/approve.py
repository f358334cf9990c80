"""`ml-platform approve`: a person's word on one version for one environment."""

from __future__ import annotations

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting, say_refused
from ml_platform.cli.models import find_release, load, split_reference, utc_now
from ml_platform.settings import load_settings


@click.command(name="approve")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option("--env", "environment", type=ENVIRONMENTS, required=True, help="For where.")
@click.option("--by", "approver", default="", help="Who approves; needed where there are no users yet.")
def command(reference: str, environment: str, approver: str) -> int:
    """Approve a version; bound to its evidence and the present policy, valid for 7 days, used once.

    The author's own word doesn't count.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.approve import approve
    from ml_platform.stages.objection import Refused

    governed = load(split_reference(reference)[0])
    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.APPROVE, governed.spec.model, by=approver)
        release = find_release(platform, reference)
        decided = approve(
            governed.policy,
            ledger=platform.ledger,
            model=release.model,
            version=release.version,
            environment=environment,
            approver=person,
            now=utc_now(),
        )
    if isinstance(decided, Refused):
        return say_refused(f"approval of {release.model} v{release.version}", decided)
    click.echo(
        f"✓ {decided.approver} approves {release.model} v{release.version} for {environment} "
        f"until {decided.expires_at:%Y-%m-%d %H:%M} UTC"
    )
    return 0
