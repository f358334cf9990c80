"""`ml-platform audit`: whether the history is whole, what happened, and all of it for others to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

LONGEST_PAYLOAD = 160


@click.group(name="audit")
def command() -> None:
    """Verify, show or export the append-only, hash-chained audit log with its signed checkpoints."""


@command.command(name="verify")
def verify() -> int:
    """Find any edit, deletion, swap, truncation or rewriting, and what is live and not there whole. Exit 1 then."""
    from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
    from ml_platform.adapters.ledger.verify import verify_audit
    from ml_platform.adapters.signing_keys import FileSigningKeys

    settings = load_settings()
    path = settings.home / "ledger.sqlite"
    checkpoints = Checkpoints(target_of(settings.home, settings.checkpoints), FileSigningKeys(settings.home))
    problems = verify_audit(path, checkpoints)
    for problem in problems:
        click.echo(f"✗ {problem}", err=True)
    if problems:
        return 1
    newest = checkpoints.read().newest
    vouched = f"; {checkpoints.target} vouches for it up to entry {newest}" if newest else ""
    click.echo(f"✓ {path}: the audit chain is whole{vouched}")
    lacking = _say_lacking()
    _say_differences()
    return 1 if lacking else 0


def _say_lacking() -> bool:
    """Say of every version that is live anywhere whether its model, evidence and signed bundle are whole."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.cli.models import defs_folder
    from ml_platform.policy.load import discover
    from ml_platform.stages.whole import lacking

    with open_platform(load_settings()) as platform:
        models = sorted(path.parent.name for path in discover(defs_folder(platform.settings)))
        found = list(lacking(platform.ledger, platform.store, platform.signing, models))
    for one in found:
        click.echo(f"✗ {one}", err=True)
    if not found:
        click.echo(f"✓ what is live of {', '.join(models)} lies there whole: models, evidence, signed bundles")
    return bool(found)


def _say_differences() -> None:
    """Say what MLflow shows otherwise than the ledger, where its store is the home's own; it decides nothing."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.cli.models import defs_folder
    from ml_platform.core.errors import PolicyInvalid, Unavailable
    from ml_platform.orchestration.showing import differences, lies_at_home
    from ml_platform.policy.load import discover

    with open_platform(load_settings()) as platform:
        if not lies_at_home(platform):
            return
        try:
            models = [path.parent.name for path in discover(defs_folder(platform.settings))]
            for line in differences(platform, models):
                click.echo(f"! {line}; `ml-platform envs` puts it back", err=True)
        except (PolicyInvalid, Unavailable) as error:
            click.echo(f"! what MLflow shows can't be compared with the ledger just now: {error}", err=True)


@command.command(name="checkpoint")
@click.option("--by", "actor", default=None, help="Who; default: ML_PLATFORM_ACTOR, else the login name.")
def checkpoint(actor: str | None) -> None:
    """Sign the newest entry now: once, in a home from before there were checkpoints, or after some were lost."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.cli.models import utc_now

    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.MANAGE_KEYS, by=actor)
        entry = platform.ledger.append("checkpointed", actor=person, subject="audit", payload={}, at=utc_now())
        platform.ledger.checkpoint()
    click.echo(f"✓ entry {entry.sequence} is signed; compare it with what you know of the history before it")


@command.command(name="export")
@click.option(
    "--to", "target", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@click.option("--model", default=None, help="Only this model's entries.")
def export(target: Path, model: str | None) -> None:
    """Write the entries as JSON lines; each `hash` is the SHA-256 of the canonical JSON of the others."""
    from ml_platform.adapters.platform import open_platform

    count = 0
    with open_platform(load_settings()) as platform:
        acting(platform, Action.READ_AUDIT, model, by=None)
        with target.open("w", encoding="utf-8") as file:
            for entry in platform.ledger.audit(model=model):
                file.write(f"{canonical_json(entry)}\n")
                count += 1
    click.echo(f"✓ {target}: {count} entries")


@command.command(name="show")
@click.option("--model", default=None, help="Only this model's entries.")
@click.option("--last", default=20, show_default=True, help="How many of the newest.")
@click.option("--entry", default=None, type=int, help="This entry alone, with all that it says.")
@click.option("--full", is_flag=True, help="With all that they say, over several lines.")
def show(model: str | None, last: int, entry: int | None, *, full: bool) -> None:
    """Show the newest entries, oldest first; a notice names the one that it comes from."""
    from ml_platform.adapters.platform import open_platform

    with open_platform(load_settings()) as platform:
        acting(platform, Action.READ_AUDIT, model, by=None)
        found = [one for one in platform.ledger.audit(model=model) if entry in {None, one.sequence}][-last:]
    if not found and entry is not None:
        raise DataInvalid(f"entry {entry}: the audit has no such entry; see `ml-platform audit show` for the newest")
    for one in found:
        head = f"{one.sequence:>6}  {one.at:%Y-%m-%d %H:%M:%S}  {one.actor:<16} {one.action:<22} {one.subject:<24} "
        click.echo(_whole(head, one.payload) if full or entry is not None else head + _cut(one.payload))


def _cut(payload: Mapping[str, object]) -> str:
    said = canonical_json(payload)
    return said if len(said) <= LONGEST_PAYLOAD else f"{said[:LONGEST_PAYLOAD]} … (--full says all)"


def _whole(head: str, payload: Mapping[str, object]) -> str:
    from json import dumps

    return f"{head.rstrip()}\n{dumps(payload, indent=2, ensure_ascii=False, default=str)}"
