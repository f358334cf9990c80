"""`ml-platform users`: who may do what in this home; no command takes a secret as a word or shows a password."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.cli.models import utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.access.person import Grant
    from ml_platform.access.users import FileUsers
    from ml_platform.adapters.platform import Platform

STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")


@click.group(name="users")
def command() -> None:
    """Say who may do what. The first user is an admin; from then on everybody has to say who they are."""


@command.command(name="add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="ROLE, or ROLE:MODEL for one model; repeat it.")
@click.option("--service", is_flag=True, help="A service: no password, only tokens.")
@click.option("--requests-per-minute", "requests", type=click.IntRange(1), help="To each scoring service; else any.")
@click.option("--rows-per-minute", "rows", type=click.IntRange(1), help="Scored by each scoring service; else any.")
@STDIN
def add(
    name: str, roles: tuple[str, ...], *, service: bool, requests: int | None, rows: int | None, password_stdin: bool
) -> int:
    """Add NAME; asks for a password."""
    from ml_platform.access.passwords import Cost, hash_password
    from ml_platform.access.person import parse_grant, valid_name
    from ml_platform.access.quota import Quota
    from ml_platform.access.trail import USER_ADDED
    from ml_platform.access.users import FileUsers, UserRecord
    from ml_platform.adapters.platform import open_platform

    grants = tuple(dict.fromkeys(parse_grant(role) for role in roles))
    with open_platform(load_settings()) as platform:
        users = FileUsers(platform.home)
        actor = _admin(platform) if users.exist() else _first(valid_name(name), grants)
        password = "" if service else hash_password(_password(from_stdin=password_stdin), Cost())
        quota = Quota(requests_per_minute=requests, rows_per_minute=rows)
        users.add(UserRecord(name=valid_name(name), grants=grants, password=password, added_at=utc_now(), quota=quota))
        _note(platform, USER_ADDED, actor, name=name, roles=", ".join(map(str, grants)), quota=str(quota))
    click.echo(f"✓ {name} is {', '.join(map(str, grants))}")
    if service:
        click.echo(f"  next: ml-platform users token {name}")
    return 0


@command.command(name="list")
def show() -> int:
    """Show everybody with their roles and tokens."""
    from ml_platform.access.users import FileUsers

    users = FileUsers(load_settings().home)
    for user in users.all().values():
        how = ["password" if user.password else "tokens only", *filter(None, [str(user.quota)])]
        click.echo(f"{user.name:<30} {', '.join(map(str, user.grants)):<40} {', '.join(how)}")
        for token in user.tokens:
            until = "expired" if token.expires_at <= utc_now() else "until"
            click.echo(f"    token {token.id}  {until} {token.expires_at:%Y-%m-%d %H:%M} UTC  {token.label}")
    if not users.exist():
        click.echo(f"{users.path}: there are no users; whoever can write this home may do everything")
    return 0


@command.command(name="remove")
@click.argument("name")
def remove(name: str) -> int:
    """Remove NAME with all tokens; open sessions end at once."""
    from ml_platform.access.roles import Role
    from ml_platform.access.trail import USER_REMOVED
    from ml_platform.access.users import FileUsers
    from ml_platform.adapters.platform import open_platform

    with open_platform(load_settings()) as platform:
        users, actor = FileUsers(platform.home), _admin(platform)
        others = [user for user in users.all().values() if user.name != name]
        if not any(grant.role is Role.ADMIN for user in others for grant in user.grants):
            message = f"{name}: is the last admin, and somebody has to manage users; add another admin first"
            raise DataInvalid(message)
        users.remove(name)
        _note(platform, USER_REMOVED, actor, name=name)
    click.echo(f"✓ {name} is removed")
    return 0


@command.command(name="token")
@click.argument("name")
@click.option("--label", default="", help="What it is for.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it is valid.")
@click.option("--revoke", metavar="ID", help="Revoke this token instead of making one.")
@STDIN
def token(name: str, label: str, days: int, revoke: str | None, *, password_stdin: bool) -> int:
    """Make a token for NAME and print it, once. An admin may do it for everybody, others with their own password."""
    from ml_platform.access.tokens import new_token
    from ml_platform.access.trail import TOKEN_MADE, TOKEN_REVOKED
    from ml_platform.access.users import FileUsers
    from ml_platform.adapters.platform import open_platform
    from ml_platform.settings import token as own_token

    with open_platform(load_settings()) as platform:
        users = FileUsers(platform.home)
        actor = _admin(platform) if own_token() else _oneself(platform, users, name, from_stdin=password_stdin)
        if revoke is not None:
            users.revoke(name, revoke)
            _note(platform, TOKEN_REVOKED, actor, name=name, token=revoke)
            click.echo(f"✓ {revoke} is revoked")
            return 0
        text, kept = new_token(label, now=utc_now(), days=days)
        users.add_token(name, kept)
        _note(platform, TOKEN_MADE, actor, name=name, token=kept.id, until=kept.expires_at.isoformat())
    click.echo(text)
    click.echo(f"valid until {kept.expires_at:%Y-%m-%d %H:%M} UTC; it is shown only now: keep it as a secret", err=True)
    return 0


def _admin(platform: Platform) -> str:
    return acting(platform, Action.MANAGE_USERS, by=None)


def _first(name: str, grants: tuple[Grant, ...]) -> str:
    """Return the first user's own name: there is nobody yet who could be asked."""
    from ml_platform.access.decide import allowed
    from ml_platform.access.person import Person

    if not allowed(Person(name=name, grants=grants), Action.MANAGE_USERS, None).allowed:
        message = f"{name}: would be the first user, and nobody could add another; add an admin first: --role admin"
        raise DataInvalid(message)
    return name


def _oneself(platform: Platform, users: FileUsers, name: str, *, from_stdin: bool) -> str:
    from ml_platform.access.decide import Denied
    from ml_platform.access.trail import SIGN_IN_FAILED

    if users.by_password(name, _password(from_stdin=from_stdin, confirm=False)) is None:
        _note(platform, SIGN_IN_FAILED, "unknown", name=name)
        raise Denied(f"{name[:100]}: name and password don't belong together; nothing was changed; try again")
    return name


def _password(*, from_stdin: bool, confirm: bool = True) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    found: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True)
    return found


def _note(platform: Platform, action: str, actor: str, **facts: str) -> None:
    from ml_platform.access.trail import Trail

    Trail(platform.ledger, utc_now).note(action, actor=actor, source="command line", **facts)
