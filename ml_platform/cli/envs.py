"""`ml-platform envs`: what is live where since when, by whom and why; now, at a time, or ever."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import defs_folder, model_path, utc_now
from ml_platform.cli.rollout import how
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.rollout import RolloutRecord
    from ml_platform.stages.live_spans import LiveSpan
    from ml_platform.stages.rollout_story import RolloutStory


@click.command(name="envs")
@click.argument("model", required=False)
@click.option("--at", help="A day or a time, such as 2026-05-03 or 2026-05-03T14:00Z (default: now).")
@click.option("--history", is_flag=True, help="Everything that was ever live, oldest first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for other programs.")
def command(model: str | None, *, at: str | None, history: bool, as_json: bool) -> int:
    """Say what is live in staging and production of MODEL (default: of every model).

    A day names everything that was live on it. The answer comes from the ledger, which the live pointer moves in.
    Exit 1: what it says isn't the platform's doing.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.showing import why_doubted
    from ml_platform.stages.live_spans import asked_time
    from ml_platform.stages.rollout_story import rollout_stories
    from ml_platform.stages.versions import ENVIRONMENTS

    if at is not None and history:
        raise click.UsageError("--at and --history exclude each other; leave one out")
    settings, now = load_settings(), utc_now()
    start, end = asked_time(at) if at else (now, now)
    with open_platform(settings) as platform:
        if model is not None and not platform.ledger.releases(model):
            model_path(settings, model)
        names = _models(platform) if model is None else [model]
        found = {
            (name, environment): _spans(platform, name, environment, None if history else (start, end))
            for name in names
            for environment in ENVIRONMENTS
        }
        past = at is not None or history
        running = () if past else platform.ledger.running_rollouts()
        _keep_true(platform, names, now=now)
        barred = {name: frozenset(platform.ledger.barred(name)) for name in names}
        doubts = [f"{name}: {why}" for name in names if (why := why_doubted(platform, name))]
        stories = {place: rollout_stories(platform.ledger, *place) for place in found} if as_json else {}
    click.echo(_document(found, stories) if as_json else "\n".join(_lines(found, running, barred, past=past)))
    for doubt in doubts:
        click.echo(f"✗ {doubt}; no service follows it: `ml-platform audit verify`", err=True)
    return 1 if doubts else 0


def _keep_true(platform: Platform, names: list[str], *, now: dt.datetime) -> None:
    """Say and undo what somebody else wrote to what MLflow shows, where its store is the home's own."""
    from ml_platform.core.errors import Unavailable
    from ml_platform.orchestration.showing import lies_at_home, put_back_all, words

    if not lies_at_home(platform):
        return
    try:
        for line in words(put_back_all(platform, names, now=now)):
            click.echo(f"! {line}", err=True)
    except Unavailable as error:
        click.echo(f"! MLflow can't be compared with the ledger just now: {error}", err=True)


def _models(platform: Platform) -> list[str]:
    from ml_platform.policy.load import discover

    return sorted(path.parent.name for path in discover(defs_folder(platform.settings)))


def _spans(
    platform: Platform, model: str, environment: str, when: tuple[dt.datetime, dt.datetime] | None
) -> tuple[LiveSpan, ...]:
    from ml_platform.stages.live_spans import live_spans, live_within

    spans = live_spans(platform.ledger.history(model, environment))
    return spans if when is None else live_within(spans, *when)


def _lines(
    found: dict[tuple[str, str], tuple[LiveSpan, ...]],
    running: Sequence[RolloutRecord],
    barred: Mapping[str, frozenset[int]],
    *,
    past: bool,
) -> Iterator[str]:
    tried = {(each.model, each.environment): each for each in running}
    told = ""
    for (model, environment), spans in found.items():
        if model != told:
            yield model
        told = model
        for span in spans:
            one = span.deployment
            until = f" until {_moment(span.until)}" if span.until else ""
            yield (
                f"  {environment:<11} v{one.version:<3} {one.model_digest[:12]}  since {_moment(one.since)}{until} "
                f"by {one.actor}: {one.reason}{' (barred since)' if one.version in barred[model] else ''}"
            )
        if not spans:
            yield f"  {environment:<11} nothing {'was' if past else 'is'} live"
        if (rollout := tried.get((model, environment))) is not None:
            since = _moment(rollout.since)
            yield f"  {'':<11} v{rollout.version:<3} is tried {how(rollout)}, since {since} by {rollout.actor}"


def _moment(time: dt.datetime) -> str:
    return f"{time.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _document(
    found: Mapping[tuple[str, str], Sequence[LiveSpan]], stories: Mapping[tuple[str, str], Sequence[RolloutStory]]
) -> str:
    """Return each deployment with when it ended and what was tried beside it."""
    import msgspec

    told = [
        {
            "deployment": span.deployment,
            "until": span.until,
            "rollouts": [one for one in stories[place] if _beside(one, span)],
        }
        for place, spans in found.items()
        for span in spans
    ]
    return msgspec.json.format(msgspec.json.encode(told), indent=1).decode()


def _beside(story: RolloutStory, span: LiveSpan) -> bool:
    begun = story.begun
    return (
        begun.is_beside(span.deployment)
        and span.deployment.since <= begun.since
        and (span.until is None or begun.since < span.until)
    )
