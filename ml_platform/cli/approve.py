"""`ml-platform approve`: a person's word on one version for one environment, signed with that person's key."""

from __future__ import annotations

from pathlib import Path

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting, owner_of, say_refused
from ml_platform.cli.models import find_release, load, split_reference, utc_now
from ml_platform.cli.signing_keys import FILE, PASSWORD, password_of
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings


@click.command(name="approve")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option("--env", "environment", type=ENVIRONMENTS, required=True, help="For where.")
@click.option("--key", "key", type=FILE, help="The approver's key (`ml-platform keys new-person`): a signed word.")
@PASSWORD
@click.option(
    "--by",
    "approver",
    default=None,
    help="Who approves without a key, where there are no users and the policy lets it.",
)
def command(
    reference: str, environment: str, key: Path | None, password_file: Path | None, approver: str | None
) -> int:
    """Approve a version; bound to its evidence and the present policy, valid for 7 days, used once.

    The word of who trained or released the version doesn't count.
    """
    from ml_platform.adapters.ed25519 import open_person_key
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.approve import approve
    from ml_platform.stages.objection import Refused

    if key is not None and approver is not None:
        raise DataInvalid("approve: a key and a name were given; the key says who it is; leave --by out")
    governed = load(split_reference(reference)[0])
    signer = open_person_key(key, password_of(password_file, key)) if key else None
    with open_platform(load_settings()) as platform:
        named = owner_of("approve", platform, signer) if signer else approver or ""
        person = acting(platform, Action.APPROVE, governed.spec.model, by=named)
        release = find_release(platform, reference)
        decided = approve(
            governed.policy,
            ledger=platform.ledger,
            model=release.model,
            version=release.version,
            environment=environment,
            approver=person,
            now=utc_now(),
            signer=signer,
        )
    if isinstance(decided, Refused):
        return say_refused(f"approval of {release.model} v{release.version}", decided)
    click.echo(
        f"✓ {decided.approver} approves {release.model} v{release.version} for {environment} "
        f"until {decided.expires_at:%Y-%m-%d %H:%M} UTC" + (f", signed with {decided.key_id}" if signer else "")
    )
    return 0
