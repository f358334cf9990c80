"""`ml-platform approve`: a person's word on one version for one environment."""

from __future__ import annotations

import click

from ml_platform.cli.decide import ENVIRONMENTS, say_refused, someone
from ml_platform.cli.models import find_release, load, split_reference, utc_now
from ml_platform.settings import load_settings


@click.command(name="approve")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option("--env", "environment", type=ENVIRONMENTS, required=True, help="For where.")
@click.option("--by", "approver", required=True, help="Who approves; the author's own word doesn't count.")
def command(reference: str, environment: str, approver: str) -> int:
    """Approve a version; bound to its evidence and the present policy, valid for 7 days, used once."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.approve import approve
    from ml_platform.stages.objection import Refused

    governed = load(split_reference(reference)[0])
    with open_platform(load_settings()) as platform:
        release = find_release(platform, reference)
        decided = approve(
            governed.policy,
            ledger=platform.ledger,
            model=release.model,
            version=release.version,
            environment=environment,
            approver=someone(approver),
            now=utc_now(),
        )
    if isinstance(decided, Refused):
        return say_refused(f"approval of {release.model} v{release.version}", decided)
    click.echo(
        f"✓ {decided.approver} approves {release.model} v{release.version} for {environment} "
        f"until {decided.expires_at:%Y-%m-%d %H:%M} UTC"
    )
    return 0
