"""`ml-platform traffic`: the log of predictions: what is in it, compacted, and kept within a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting
from ml_platform.cli.models import utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.keep_traffic import Kept

ENVIRONMENT = click.option("--env", "environment", default="production", show_default=True, type=ENVIRONMENTS)
BY = click.option("--by", "actor", help="Who does it; default: ML_PLATFORM_ACTOR.")


@click.group(name="traffic")
def command() -> None:
    """Compact the log of a model's predictions, and say what is in it."""


@command.command(name="compact")
@click.argument("model")
@ENVIRONMENT
@click.option("--most-mb", type=click.IntRange(1), help="How large the log may be.")
@click.option("--drop-oldest", is_flag=True, help="Delete the oldest days for good while it is larger.")
@BY
def compact(model: str, environment: str, *, most_mb: int | None, drop_oldest: bool, actor: str | None) -> int:
    """Put what MODEL's service has finished writing into a file a day. Exit 1: something couldn't be, or is too large.

    May run beside the service, and may be interrupted: every prediction is read once all the same.
    """
    from ml_platform.adapters.compact_traffic import size_of
    from ml_platform.adapters.keep_traffic import keep, keep_within
    from ml_platform.adapters.platform import open_platform
    from ml_platform.adapters.traffic_log import traffic_folder

    if drop_oldest and most_mb is None:
        raise click.UsageError("--drop-oldest needs --most-mb: how large the log may be")
    most_bytes = (most_mb or 0) << 20
    with open_platform(load_settings()) as platform:
        folder = traffic_folder(platform.home, environment, model)
        if not folder.is_dir():
            message = f"traffic compact: {folder} isn't there; {model} needs to have been served in {environment} first"
            raise DataInvalid(message)
        if drop_oldest:
            person = acting(platform, Action.ADMINISTER, by=actor)
            kept = keep_within(
                folder, most_bytes, keys=platform.keys, ledger=platform.ledger, actor=person,
                subject=f"{model}/{environment}", now=utc_now(),
            )  # fmt: skip
        else:
            acting(platform, Action.WATCH, model, by=actor)
            kept = keep(folder, keys=platform.keys)
    too_large = most_mb is not None and size_of(folder) > most_bytes
    for problem in kept.compacted.problems:
        click.echo(f"✗ {problem}", err=True)
    click.echo(_said(model, environment, kept))
    if too_large:
        click.echo(
            f"✗ {folder}: it takes {_mb(size_of(folder))}, more than {most_mb} MB; --drop-oldest deletes", err=True
        )
    return 1 if kept.compacted.problems or too_large else 0


@command.command(name="show")
@click.argument("model")
@ENVIRONMENT
def show(model: str, environment: str) -> int:
    """List the days of MODEL's log that were compacted, and what wasn't yet."""
    from ml_platform.adapters.compact_traffic import days_in
    from ml_platform.adapters.keys import FileKeys
    from ml_platform.adapters.segments import segments_of
    from ml_platform.adapters.traffic_log import traffic_folder

    home = load_settings().home
    folder = traffic_folder(home, environment, model)
    for day in days_in(folder, keys=FileKeys(home)):
        click.echo(f"{day.day}  {day.predictions:>12,} predictions  {_mb(day.size_bytes):>10}")
    segments = segments_of(folder)
    size = sum(segment.stat().st_size for segment in segments)
    click.echo(f"not compacted yet: {len(segments):,} segments, {_mb(size)}")
    return 0


def _said(model: str, environment: str, kept: Kept) -> str:
    done = kept.compacted
    said = (
        f"✓ {model} in {environment}: {done.predictions:,} predictions of {done.segments:,} segments are in files of "
        f"{len(done.days)} days; {_mb(done.bytes_before)} became {_mb(done.bytes_after)}"
    )
    dropped = [
        f"  dropped for good: {day.day}, {day.predictions:,} predictions, {_mb(day.size_bytes)}; it is in the audit"
        for day in kept.dropped
    ]
    return "\n".join([said, *dropped])


def _mb(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"
