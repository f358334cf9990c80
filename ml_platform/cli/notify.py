"""`ml-platform notify`: tell people what happened, now, and try whether a channel works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.cli.models import defs_folder, utc_now
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from ml_platform.policy.notifications import Notifications


@click.group(name="notify", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> int:
    """Deliver to every channel of `notifications.yaml` what is pending. Exit 1 when a channel couldn't be told.

    The sensor does the same every 30 seconds while Dagster's daemon runs.
    """
    if context.invoked_subcommand:
        return 0
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.telling import tell_all, words

    settings = load_settings()
    wanted = _wanted(settings)
    with open_platform(settings) as platform:
        acting(platform, Action.OPERATE, by=None)
        told = tell_all(platform, wanted, _paths(settings), now=utc_now())
    for one, line in zip(told, words(told), strict=True):
        click.echo(f"{'✗' if one.failed else '✓'} {line}", err=one.failed)
    return 1 if any(one.failed for one in told) else 0


@command.command(name="test")
@click.argument("channel")
def test(channel: str) -> int:
    """Send a message to CHANNEL that only says that it works. Exit 1 when it doesn't."""
    from ml_platform.adapters.notifications import notifiers_of
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.notices import Known
    from ml_platform.stages.tell import Post, note_trial, trial_notice

    settings = load_settings()
    notifiers = notifiers_of(_wanted(settings))
    if channel not in notifiers:
        message = f"{channel!r} is no channel of {settings.home}/notifications.yaml; known: {', '.join(notifiers)}"
        raise DataInvalid(message)
    with open_platform(settings) as platform:
        acting(platform, Action.OPERATE, by=None)
        post = Post(ledger=platform.ledger, about=lambda _: Known(), now=utc_now())
        notice = trial_notice(post, channel)
        try:
            done = notifiers[channel].send(notice)
        except Unavailable as error:
            click.echo(f"✗ {error}", err=True)
            return 1
        note_trial(post, channel, notice, done)
    click.echo(f"✓ {channel}: {done.how}; look whether {notice.key} arrived")
    return 0


def _wanted(settings: Settings) -> Notifications:
    from ml_platform.policy.notifications import FILE_NAME, load_notifications

    wanted = load_notifications(settings.home)
    if wanted is None:
        message = f"{settings.home / FILE_NAME}: isn't there; it says who is told what; see docs/notifications.md"
        raise DataInvalid(message)
    return wanted


def _paths(settings: Settings) -> list[Path]:
    from ml_platform.policy.load import discover

    return discover(defs_folder(settings))
