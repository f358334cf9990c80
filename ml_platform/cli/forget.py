"""`ml-platform forget`: erase one person."""

from __future__ import annotations

import sys

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.cli.models import load, utc_now
from ml_platform.settings import load_settings


@click.command(name="forget")
@click.argument("model")
@click.option(
    "--subject", required=True, help="The person's value in the entity column; - reads it from standard input."
)
@click.option("--by", "actor", help="Who erases; default: ML_PLATFORM_ACTOR.")
def command(model: str, subject: str, actor: str | None) -> int:
    """Destroy a person's key and originals; later snapshots leave the person's rows out."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.forget import forget

    governed, settings = load(model), load_settings()
    value = sys.stdin.readline() if subject == "-" else subject
    with open_platform(settings) as platform:
        erased = forget(
            governed.spec,
            value,
            vault=platform.vault,
            ledger=platform.ledger,
            actor=acting(platform, Action.ERASE_PERSON, model, by=actor or None),
            now=utc_now(),
        )
    if not erased.originals:
        click.echo(
            f"{model}: the vault held nothing of this person; if you expected something, check how it is written",
            err=True,
        )
    click.echo(
        f"✓ {model}: {erased.token} is erased, {erased.originals:,} originals were destroyed\n"
        "next: remove the person at the source; the next snapshot leaves the person's rows out, earlier ones\n"
        "      still hold them under the token: release anew and remove the old artefacts and backups when you may"
    )
    return 0
