"""What approve, reject, promote and rollback share: who acts, how a refusal is said, how a change is shown outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.models import utc_now
from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from ml_platform.adapters.ed25519 import PrivateKey
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.records import DeploymentRecord
    from ml_platform.stages.objection import Refused

ENVIRONMENTS = click.Choice(["staging", "production"])


def acting(platform: Platform, action: Action, model: str | None = None, *, by: str | None) -> str:
    """Return the acting person's name; raises DataInvalid when nobody is named.

    In a home with users it is the one whose token is set; raises Denied, which is audited, unless they may do this.
    """
    from ml_platform.access.acting import Wanted, authorise

    wanted = Wanted(action=action, model=model, by=by)
    return authorise(platform.settings, platform.ledger, wanted, now=utc_now())


def say_refused(what: str, refused: Refused) -> int:
    """Print a refusal with every reason and return its exit code."""
    click.echo(f"✗ {what}: {refused.outcome}", err=True)
    for reason in refused.reasons:
        click.echo(f"    - {reason}", err=True)
    return refused.exit_code


def show_outside(platform: Platform, deployment: DeploymentRecord) -> None:
    """Write the deployment manifest and the tracker's alias; what fails is said and tried again later."""
    from ml_platform.adapters.deployments import project

    shown = project(platform.home, store=platform.store, ledger=platform.ledger, tracker=platform.tracker)
    for problem in shown.problems:
        click.echo(f"! not shown outside yet, will be tried again: {problem}", err=True)
    click.echo(
        f"✓ {deployment.model} v{deployment.version} is live in {deployment.environment} "
        f"(by {deployment.actor}: {deployment.reason})"
    )


def owner_of(command: str, platform: Platform, key: PrivateKey) -> str:
    """Return whose key it is; raises DataInvalid when it is nobody's here, or no longer."""
    for known in platform.signing.public_keys():
        if known.key_id == key.key_id and known.owner and known.retired_at is None:
            return known.owner
    message = (
        f"{command}: the key {key.key_id} is no person's key in use here; one that is known is needed; "
        "see `ml-platform keys show`"
    )
    raise DataInvalid(message)
