"""`ml-platform faults`: which faults would a model's gates catch? Mutation testing for a policy."""

from __future__ import annotations

import click

from ml_platform.cli.models import load, utc_now
from ml_platform.settings import load_settings


@click.command(name="faults")
@click.argument("model")
@click.option("--kind", "kinds", multiple=True, help="Only this kind of fault; may be given again.")
@click.option("--rows", default=2000, show_default=True, type=click.IntRange(min=200), help="Rows of a batch.")
@click.option("--seed", default=1, show_default=True, help="Other seeds plant the faults at other places.")
@click.option(
    "--at-least",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of the planted faults that has to be caught.",
)
@click.option("--stopped", is_flag=True, help="Count only what is stopped, not what is only warned of.")
def command(model: str, kinds: tuple[str, ...], *, rows: int, seed: int, at_least: float, stopped: bool) -> int:
    """Plant every kind of fault, in three sizes, into MODEL's own data and say what catches it.

    Exit 1 when a smaller share than --at-least is stopped or warned of by the contract or a gate on the snapshot.
    """
    governed = load(model)
    from ml_platform.adapters.platform import open_platform
    from ml_platform.core.fault_trial import caught_share
    from ml_platform.orchestration.fault_trials import trials
    from ml_platform.reports.fault_matrix import matrix_lines

    with open_platform(load_settings()) as platform:
        found = tuple(trials(governed, platform, rows=rows, seed=seed, kinds=kinds, now=utc_now()))
    click.echo("\n".join(matrix_lines(found)))
    share = caught_share(found, stopped=stopped)
    if share is None or share < at_least:
        click.echo(f"✗ {model}: too few faults are caught; needed: at least {at_least:.0%}", err=True)
        return 1
    return 0
