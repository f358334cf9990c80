"""`ml-platform reject`: a person's word against one version for one environment, or its withdrawal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting, owner_of, say_refused
from ml_platform.cli.models import find_release, load, split_reference, utc_now
from ml_platform.cli.signing_keys import FILE, PASSWORD, password_of
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.resolve import Policy
    from ml_platform.stages.objection import Refused
    from ml_platform.stages.reject import Said


@click.command(name="reject")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option("--env", "environment", type=ENVIRONMENTS, required=True, help="For where.")
@click.option("--reason", required=True, help="Why; it is written to the audit and said to whoever promotes.")
@click.option("--withdraw", is_flag=True, help="Take back what was said against it, by you or by others.")
@click.option("--key", "key", type=FILE, help="The person's key (`ml-platform keys new-person`): a signed word.")
@PASSWORD
@click.option("--by", "by", default=None, help="Who, without a key, where there are no users and the policy lets it.")
def command(
    reference: str,
    *,
    environment: str,
    reason: str,
    withdraw: bool,
    key: Path | None,
    password_file: Path | None,
    by: str | None,
) -> int:
    """Reject a version for an environment: it isn't promoted there as long as this stands.

    Approvals from before it are void, also once it is withdrawn. What is live stays live: see `rollback`.
    """
    from ml_platform.adapters.ed25519 import open_person_key
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.objection import Refused
    from ml_platform.stages.reject import Said

    if key is not None and by is not None:
        raise DataInvalid("reject: a key and a name were given; the key says who it is; leave --by out")
    governed = load(split_reference(reference)[0])
    signer = open_person_key(key, password_of(password_file, key)) if key else None
    with open_platform(load_settings()) as platform:
        named = owner_of("reject", platform, signer) if signer else by or ""
        person = acting(platform, Action.APPROVE, governed.spec.model, by=named)
        release = find_release(platform, reference)
        said = Said(
            model=release.model, version=release.version, environment=environment, person=person, reason=reason,
            now=utc_now(), signer=signer,
        )  # fmt: skip
        refused = _write(platform, governed.policy, said, withdraw=withdraw)
        live = platform.ledger.live(release.model, environment)
    what = f"{release.model} v{release.version}"
    if isinstance(refused, Refused):
        return say_refused(f"{'withdrawal of the rejection' if withdraw else 'rejection'} of {what}", refused)
    if withdraw:
        click.echo(f"✓ {person} withdraws what was said against {what} for {environment}; it needs new approvals")
        return 0
    click.echo(f"✓ {person} rejects {what} for {environment}: {reason}")
    if live is not None and live.version == release.version:
        click.echo(f"  it is and stays live there; next: ml-platform rollback {release.model} --env {environment}")
    return 0


def _write(platform: Platform, policy: Policy, said: Said, *, withdraw: bool) -> Refused | None:
    from ml_platform.stages import reject
    from ml_platform.stages.evidence import read_evidence
    from ml_platform.stages.objection import Refused
    from ml_platform.stages.versions import registered

    if withdraw:
        release = registered(platform.ledger, said.model, said.version)
        trained_by = read_evidence(platform.store, release.evidence_digest).trained_by
        done: object = reject.withdraw(policy, platform.ledger, said, trained_by=trained_by)
    else:
        done = reject.reject(policy, platform.ledger, said)
    return done if isinstance(done, Refused) else None
