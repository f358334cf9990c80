"""The part of `ml-platform keys` about signing: persons' keys, public keys, and the platform's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.cli.models import utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.adapters.platform import Platform
    from ml_platform.core.signing import PublicKey

SUBJECT = "keys"
FILE = click.Path(path_type=Path, dir_okay=False)
BY = click.option("--by", "actor", default=None, help="Who; default: ML_PLATFORM_ACTOR, else the login name.")
PASSWORD = click.option("--password-file", type=FILE, help="Read the password from this file instead of asking.")


@click.command(name="public")
@click.option("--to", "target", type=FILE, default=None, help="Write them to this file.")
def public(target: Path | None) -> None:
    """Export the public keys, with which anybody can verify evidence, approvals and checkpoints."""
    from ml_platform.adapters.signing_keys import FileSigningKeys
    from ml_platform.core.atomic import write_atomically
    from ml_platform.core.public_keys import written_keys

    text = written_keys(FileSigningKeys(load_settings().home).public_keys())
    if target is None:
        click.echo(text)
    else:
        write_atomically(target, f"{text}\n".encode())
        click.echo(f"✓ {target}: the public keys; keep it where who writes the home can't write")


@click.command(name="new-person")
@click.argument("name")
@click.option("--to", "target", type=FILE, required=True, help="The new key file; outside of the home.")
@PASSWORD
@BY
def new_person(name: str, target: Path, password_file: Path | None, actor: str | None) -> None:
    """Make the key by which a person approves: a file under a password, for that person to keep."""
    from ml_platform.adapters.ed25519 import make_person_key
    from ml_platform.adapters.platform import open_platform

    settings, person = load_settings(), name.strip()
    if not person:
        raise DataInvalid("new-person: nobody is named; a key is one person's; give the name that they act under")
    if target.absolute().resolve().is_relative_to(settings.home.resolve()):
        message = (
            f"{target}: lies in the home, where it is copied along; a person keeps the key elsewhere; name a place"
        )
        raise DataInvalid(message)
    with open_platform(settings) as platform:
        by = _maker(platform, person, actor)
        platform.signing.require_without_key(person)
        key = make_person_key(target, password_of(password_file, target, confirm=True))
        note(platform, "person_key_added", by, {"owner": person, "key_id": key.key_id})
        platform.signing.add_person(person, key.public, key.key_id)
    click.echo(f"✓ {target}: the key {key.key_id} of {person}; whoever has it and its password approves as {person}")


def _maker(platform: Platform, person: str, actor: str | None) -> str:
    """Return who makes a person's key: that person with the own token, or who may manage keys."""
    from ml_platform.access.acting import authenticated

    found = authenticated(platform.settings, platform.ledger, now=utc_now())
    if found is not None and found.name == person and actor in {None, person}:
        return person
    return acting(platform, Action.MANAGE_KEYS, by=actor)


def password_of(file: Path | None, key: Path, *, confirm: bool = False) -> str:
    """Return the password of a key file: from a file, else by asking."""
    if not confirm and not key.is_file():
        message = f"{key}: there is no such file; the key that `ml-platform keys new-person` made is needed; name it"
        raise DataInvalid(message)
    if file is None:
        found: str = click.prompt(f"Password of {key}", hide_input=True, confirmation_prompt=confirm)
        return found
    return file.read_text(encoding="utf-8").rstrip("\n")


def rotate_signing(platform: Platform, actor: str) -> None:
    """Make a new signing key for the platform."""
    made = platform.signing.add()
    note(platform, "signing_key_added", actor, {"key_id": made.key_id})
    click.echo(f"✓ {made.key_id} signs from now on; retire the older key if others may have read it")


def retire_signing(platform: Platform, key_id: str, actor: str) -> bool:
    """Retire a signing key; False when there is none of this id."""
    if key_id not in {key.key_id for key in platform.signing.public_keys()}:
        return False
    retired = platform.signing.retire(key_id)
    note(platform, "signing_key_retired", actor, {"key_id": key_id, "owner": retired.owner})
    click.echo(f"✓ {key_id} signs nothing any more; what it signed before can still be verified")
    return True


def signing_lines(keys: tuple[PublicKey, ...]) -> Iterator[str]:
    """Say each signing key in a line."""
    own = [key.key_id for key in keys if not key.owner and key.retired_at is None]
    for key in keys:
        state = "current" if key.key_id in own[-1:] or (key.owner and key.retired_at is None) else "old"
        whose = f"signs for {key.owner}" if key.owner else "signs for the platform"
        until = f", retired {key.retired_at:%Y-%m-%d %H:%M} UTC" if key.retired_at else ""
        yield f"{key.key_id}  made {key.made_at:%Y-%m-%d %H:%M} UTC  {state:<7}  {whose}{until}"


def note(platform: Platform, action: str, actor: str, payload: dict[str, object]) -> None:
    """Write down what was done to the keys."""
    platform.ledger.append(action, actor=actor, subject=SUBJECT, payload=payload, at=utc_now())
