"""`ml-platform health`: is everything well around the models; and, from outside of the daemon, does anybody look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import defs_folder, load, utc_now
from ml_platform.core.verdict import Outcome
from ml_platform.settings import load_settings, project_root

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.orchestration.health_look import Judgement

MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.UNDECIDED: "?", Outcome.WAIVED: "~"}


@click.command(name="health")
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for other programs.")
@click.option("--prometheus", type=click.Path(path_type=Path, dir_okay=False), help="Write it as Prometheus text.")
@click.option("--dead-man", is_flag=True, help="Only say whether the daemon's sensor still looks; tell when not.")
@click.option("--silent-after", default=20, show_default=True, help="Minutes without a look that count as silence.")
def command(model: str | None, *, as_json: bool, prometheus: Path | None, dead_man: bool, silent_after: int) -> int:
    """Look at machine, daemon, service, channels and endings around MODEL (default: all that is live).

    Judged by each model's policy. Exit 1 when a blocking gate failed, or nobody watches; 3 when one is undecided.
    """
    from ml_platform.adapters.platform import open_platform

    now = utc_now()
    with open_platform(load_settings()) as platform:
        if dead_man:
            return _dead_man(platform, now, dt.timedelta(minutes=silent_after))
        judged = _look(platform, model, now)
    if prometheus is not None:
        _write(prometheus, judged, now)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(judged), indent=1).decode())
    elif prometheus is None:
        click.echo("\n".join(_lines(judged)))
    closed = [one for each in judged for one in each.verdicts if one.closes]
    failed = any(one.outcome is Outcome.FAILED for one in closed)
    return 1 if failed else 3 if closed else 0


def _look(platform: Platform, model: str | None, now: dt.datetime) -> list[Judgement]:
    from ml_platform.orchestration.daemon_state import daemon_of
    from ml_platform.orchestration.health_look import judge_seen, leave_heartbeat, see
    from ml_platform.orchestration.health_sensor import live_files
    from ml_platform.policy.load import discover

    files = [load(model)] if model else live_files(platform, discover(defs_folder(platform.settings)), now)
    look = leave_heartbeat(platform, by="command", now=now)
    seen = see(platform, files, daemon_of(project_root(), now=now), look)
    return [judge_seen(file, seen[file.spec.model]) for file in files]


def _lines(judged: Sequence[Judgement]) -> Iterator[str]:
    if not judged:
        yield "nothing is live, so there is nothing to be well"
    for each in judged:
        yield each.model
        for one in each.verdicts:
            if one.outcome is not Outcome.NOT_APPLICABLE:
                said = one.worst.text() if one.worst else one.reason
                yield f"  {MARKS[one.outcome]} {one.gate:<26} {said}; needed: {one.limit}"
                if not one.outcome.opens:
                    yield f"    {one.next_step}"


def _write(path: Path, judged: Sequence[Judgement], now: dt.datetime) -> None:
    from ml_platform.core.atomic import write_atomically
    from ml_platform.policy.metrics import METRICS
    from ml_platform.reports.prometheus import prometheus_text

    meanings = {name: metric.meaning for name, metric in METRICS.items() if metric.stages == ("health",)}
    text = prometheus_text({one.model: (one.measurements, one.verdicts) for one in judged}, meanings, at=now)
    write_atomically(path.absolute(), text.encode(), mode=0o644)


def _dead_man(platform: Platform, now: dt.datetime, limit: dt.timedelta) -> int:
    """Say whether the sensor still looks; else write it to the audit and tell the channels, here and now."""
    from ml_platform.adapters.look_log import LookLog
    from ml_platform.orchestration.dead_man import fire, newest_heartbeat, why_silent

    beat = newest_heartbeat(LookLog(platform.home).read())
    why = why_silent(beat, now=now, limit=limit)
    if not why:
        click.echo(f"✓ the sensor looked at {beat:%Y-%m-%d %H:%M} UTC")
        return 0
    click.echo(f"✗ monitoring itself has stopped: {why}", err=True)
    fire(platform, why, beat, now=now)
    _tell(platform, now)
    return 1


def _tell(platform: Platform, now: dt.datetime) -> None:
    from ml_platform.core.errors import PlatformError
    from ml_platform.orchestration.telling import tell_all, words
    from ml_platform.policy.load import discover
    from ml_platform.policy.notifications import load_notifications

    try:
        wanted = load_notifications(platform.home)
        if wanted is None:
            click.echo("! no channel is configured, so nobody is told; see docs/notifications.md", err=True)
            return
        for line in words(tell_all(platform, wanted, discover(defs_folder(platform.settings)), now=now)):
            click.echo(f"  {line}", err=True)
    except PlatformError as error:
        click.echo(f"! nobody could be told: {error}", err=True)
