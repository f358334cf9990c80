"""`ml-platform controls`: the state of every control for a model, from recorded verdicts only."""

from __future__ import annotations

import click

from ml_platform.cli.models import load
from ml_platform.settings import load_settings

MARKS = {
    "enforced": "✓",
    "waived": "~",
    "violated": "✗",
    "undecided": "?",
    "not_applicable": "-",
    "no_gate": " ",
}


@click.command(name="controls")
@click.argument("model")
def command(model: str) -> int:
    """Show MODEL's controls. Exit 1 when one is violated, 3 when one is undecided."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.policy.stages import STAGES
    from ml_platform.policy.states import control_states

    governed = load(model)
    with open_platform(load_settings()) as platform:
        parts = {stage: platform.ledger.latest_part(model, stage) for stage in STAGES}
    states = control_states(governed.policy, parts)
    area = ""
    for one in (one for one in states if one.state != "no_gate"):
        if one.area != area:
            area = one.area
            click.echo(f"\n{area}")
        click.echo(f"  {MARKS[one.state]} {one.state:<15} {one.id:<20} {one.title}")
        click.echo(f"      by {', '.join(one.gates)}")
        click.echo(f"      {one.reason}")
    silent = [one.id for one in states if one.state == "no_gate"]
    if silent:
        click.echo(f"\nNo gate of this policy speaks for: {', '.join(silent)}.")
    found = {one.state for one in states}
    return 1 if "violated" in found else 3 if "undecided" in found else 0
