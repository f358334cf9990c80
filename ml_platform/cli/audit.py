"""`ml-platform audit`: whether the history is whole, and what happened."""

from __future__ import annotations

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.core.digest import canonical_json
from ml_platform.settings import load_settings


@click.group(name="audit")
def command() -> None:
    """Verify or show the append-only, hash-chained audit log."""


@command.command(name="verify")
def verify() -> int:
    """Find any edit, deletion, swap or truncation. Exit 1 when there is one."""
    from ml_platform.adapters.ledger.verify import verify_audit

    path = load_settings().home / "ledger.sqlite"
    problems = verify_audit(path)
    for problem in problems:
        click.echo(f"✗ {problem}", err=True)
    if problems:
        return 1
    click.echo(f"✓ {path}: the audit chain is whole")
    return 0


@command.command(name="show")
@click.option("--model", default=None, help="Only this model's entries.")
@click.option("--last", default=20, show_default=True, help="How many of the newest.")
def show(model: str | None, last: int) -> None:
    """Show the newest entries, oldest first."""
    from collections import deque

    from ml_platform.adapters.platform import open_platform

    with open_platform(load_settings()) as platform:
        acting(platform, Action.READ_AUDIT, model, by=None)
        for entry in deque(platform.ledger.audit(model=model), maxlen=last):
            click.echo(
                f"{entry.sequence:>6}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor:<16} {entry.action:<22} "
                f"{entry.subject:<24} {canonical_json(entry.payload)[:160]}"
            )
