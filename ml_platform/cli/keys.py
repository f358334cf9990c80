"""`ml-platform keys`: the keys that seal what is stored, and those that sign; no command says a secret."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.cli.models import utc_now
from ml_platform.cli.signing_keys import BY, new_person, note, public, retire_signing, rotate_signing, signing_lines
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ml_platform.adapters.key_rotation import Rewrapped, Sealed


@click.group(name="keys")
def command() -> None:
    """Show, change and retire the keys that seal what is stored and those that sign; export the public ones."""


command.add_command(public)
command.add_command(new_person)


@command.command(name="show")
def show() -> int:
    """Show the key versions and what needs them. Exit 1: something lies there as plain text, or its key is lost."""
    from ml_platform.adapters.key_rotation import uses
    from ml_platform.adapters.keys import FileKeys
    from ml_platform.adapters.sealed_home import sealed_files
    from ml_platform.adapters.signing_keys import FileSigningKeys

    home = load_settings().home
    versions, used = FileKeys(home).versions(), uses(_everything(home))
    for at, each in enumerate(versions, 1):
        state = "current" if at == len(versions) else "old"
        needed = _counted(used.get(each.version, Counter()))
        click.echo(f"{each.version}  made {each.made_at:%Y-%m-%d %H:%M} UTC  {state:<7}  {needed}")
    if not versions:
        click.echo(f"{home}: no key was made yet; the first is made when something is stored")
    for line in signing_lines(tuple(FileSigningKeys(home).public_keys())):
        click.echo(line)
    lost = used.keys() - {each.version for each in versions}
    for version in sorted(lost):
        click.echo(f"✗ {version}: the key is lost; {_counted(used[version])}; restore {home / 'keys'}", err=True)
    plain = Counter(file.what for file in sealed_files(home) if file.is_plain())
    if plain:
        click.echo(f"✗ plain text: {_counted(plain)}; run `ml-platform keys seal`", err=True)
    return 1 if lost or plain else 0


@command.command(name="rotate")
@click.option("--finish", is_flag=True, help="Make no new key; only wrap what isn't under the current one.")
@click.option("--signing", is_flag=True, help="Make a new key that signs, instead of one that seals.")
@BY
def rotate(actor: str | None, *, finish: bool, signing: bool) -> int:
    """Make a new key and wrap every data key under it; content stays as it is. Exit 1: something couldn't be.

    The old key is kept; `retire` it when nothing needs it. May be interrupted at any point: everything can be read,
    and `--finish` does the rest.
    """
    from ml_platform.adapters.key_rotation import rewrap_all
    from ml_platform.adapters.platform import open_platform

    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.MANAGE_KEYS, by=actor)
        if signing:
            rotate_signing(platform, person)
            return 0
        old = platform.keys.current()
        if not finish:
            note(platform, "key_rotation_started", person, {"from": old})
            platform.keys.add()
        done = rewrap_all(_everything(platform.home), platform.keys)
        payload = {"version": done.version, "rewrapped": done.changed, "problems": len(done.problems)}
        note(platform, "key_rotation_finished", person, payload)
    return _say(done)


@command.command(name="retire")
@click.argument("version")
@BY
def retire(version: str, actor: str | None) -> int:
    """Destroy an old key for good, if nothing needs it. Exit 1: something does.

    A backup from before its rotation can be read only with a copy of the key. A key that signs, named by its id, signs
    nothing from now on; what it signed before can still be verified.
    """
    from ml_platform.adapters.key_rotation import objections, uses
    from ml_platform.adapters.platform import open_platform
    from ml_platform.adapters.sealed_home import drafts_under

    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.MANAGE_KEYS, by=actor)
        if retire_signing(platform, version, person):
            return 0
        used = dict(uses(_everything(platform.home)))
        if drafts := drafts_under(platform.home, version):
            used[version] = used.get(version, Counter()) + Counter({"files being written": len(drafts)})
        reasons = objections(version, platform.keys.versions(), used, now=utc_now())
        for reason in reasons:
            click.echo(f"✗ {version} isn't retired: {reason}", err=True)
        if reasons:
            return 1
        note(platform, "key_retired", person, {"version": version})
        platform.keys.retire(version)
    click.echo(f"✓ {version} is destroyed; backups that it sealed need their own copy of it")
    return 0


@command.command(name="seal")
@BY
def seal(actor: str | None) -> int:
    """Seal what an earlier version of the platform stored as plain text. Stop services first. Exit 1: it couldn't be.

    Each file is sealed in one step, after its content was found to be what was stored; interrupted, run it again.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.adapters.sealed_home import seal_plain, sealed_files
    from ml_platform.core.errors import DataInvalid

    sealed, torn, problems = Counter[str](), 0, []
    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.MANAGE_KEYS, by=actor)
        platform.keys.current()  # keys that are lost are said before anything is looked at
        for file in sealed_files(platform.home):
            if file.is_plain():
                try:
                    torn += seal_plain(file, platform.keys)
                    sealed[file.what] += 1
                except DataInvalid as error:
                    problems.append(str(error))
        payload = {"files": dict(sealed), "torn_lines": torn, "problems": len(problems)}
        note(platform, "plain_files_sealed", person, payload)
    click.echo(f"✓ sealed: {_counted(sealed)}" + (f"; {torn} torn lines were left out" if torn else ""))
    return _problems(problems)


def _everything(home: Path) -> Iterator[Sealed]:
    """Iterate over all that the home's keys seal: what isn't here loses its key when that is retired."""
    from ml_platform.adapters.keys import FileKeys
    from ml_platform.adapters.sealed_home import sealed_files
    from ml_platform.adapters.vault import FileVault

    yield from sealed_files(home)
    yield FileVault(home, FileKeys(home))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing"


def _say(done: Rewrapped) -> int:
    click.echo(f"✓ {done.version} is current; {done.changed} data keys were wrapped under it")
    return _problems(done.problems)


def _problems(problems: list[str] | tuple[str, ...]) -> int:
    for problem in problems:
        click.echo(f"✗ {problem}", err=True)
    return 1 if problems else 0
