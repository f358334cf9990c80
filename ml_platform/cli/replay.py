"""`ml-platform replay`: later real rows through the real service, labels following, until something has to happen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import click

from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.cli.models import load, utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.orchestration.launch import Dagster, Request, open_dagster
from ml_platform.policy.load import GovernedModelFile
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.traffic import Outcome
    from ml_platform.stages.periods import Period

BACKGROUND_ROWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Month:
    """What a month showed and what followed."""

    name: str
    performance: str
    gates: str
    followed: str


@dataclass(slots=True)
class _Story:
    """What happened, month by month."""

    months: list[_Month] = field(default_factory=list)
    answered: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Where the replay plays: model file, platform, Dagster, the service's URL."""

    governed: GovernedModelFile
    platform: Platform
    dagster: Dagster
    url: str
    story: _Story

    @property
    def model(self) -> str:
        return self.governed.spec.model


@click.command(name="replay")
@click.argument("model")
@click.option("--from", "first", required=True, metavar="YYYY-MM", help="First month.")
@click.option("--to", "last", required=True, metavar="YYYY-MM", help="Last month, inclusive.")
@click.option("--rows", default=4_000, show_default=True, help="Rows per month, spread evenly; 0: all of them.")
@click.option("--url", default=None, help="A running service of MODEL in production; default: one is started.")
def command(model: str, first: str, last: str, rows: int, url: str | None) -> int:
    """Play MODEL's later rows month by month: traffic, labels, monitoring, the retraining sensor, what follows."""
    from ml_platform.orchestration.build import build_all

    governed = load(model)
    if governed.spec.monitoring is None:
        message = f"{model}: its file has no `monitoring`, so no month can be judged; add it, or replay another model"
        raise DataInvalid(message)
    if governed.spec.monitoring.window != "month":
        message = (
            f"{model}: its file watches each {governed.spec.monitoring.window}, a replay goes by months; run "
            f"{model}_monitor on the partitions instead, or write `window: month`"
        )
        raise DataInvalid(message)
    months = _months(first, last)
    settings = load_settings()
    with open_platform(settings) as platform, open_dagster(Path.cwd(), build_all(settings)) as dagster:
        if platform.ledger.live(model, "production") is None:
            message = (
                f"{model}: nothing is live in production, so there is nobody to answer; "
                f"`ml-platform promote {model} --env production --reason '…'` first"
            )
            raise DataInvalid(message)
        with _service(platform, model, url) as address:
            stage = _Stage(governed=governed, platform=platform, dagster=dagster, url=address, story=_Story())
            for month in months:
                _play_month(stage, month, rows)
    return _say_story(stage)


def _months(first: str, last: str) -> list[Period]:
    from ml_platform.stages.periods import month

    found, end = [month(first)], month(last)
    while found[-1].start < end.start:
        found.append(month(found[-1].end.strftime("%Y-%m")))
    if found[0].start > end.start:
        message = f"--from {first} --to {last}: the first month comes after the last; swap them"
        raise DataInvalid(message)
    return found


@contextmanager
def _service(platform: Platform, model: str, url: str | None) -> Iterator[str]:
    from ml_platform.adapters.traffic_log import traffic_folder
    from ml_platform.settings import token
    from ml_platform.stages.ephemeral_service import ephemeral_service, public_url, with_secret

    if url is not None:
        yield with_secret(url, token())
        return

    folder = traffic_folder(platform.home, "production", model)
    with ephemeral_service(platform.home, model, "production", traffic=folder) as address:
        click.echo(f"serving {model} (production) at {public_url(address)}")
        yield address


def _play_month(stage: _Stage, period: Period, rows: int) -> None:
    from ml_platform.stages.replay import BackgroundRequests
    from ml_platform.stages.request_rows import request_rows
    from ml_platform.stages.snapshot import rows_after

    frame = rows_after(stage.governed.spec, period.start, period.end)
    if frame.empty:
        message = f"{stage.model}: the source has no rows in {period.name}; choose months that it covers"
        raise DataInvalid(message)
    played, rest = _spread(frame, rows)
    _send(stage, period, played)
    labels = _outcomes(stage, rest)
    later: list[tuple[str, Outcome, dt.datetime]] = []
    background = BackgroundRequests(
        stage.url,
        request_rows(stage.governed.spec, rest),
        on_answer=lambda index, identity: later.append((identity, labels[index], utc_now())),
    )
    with background:
        _watch(stage, period)
    _label(stage, later)
    stage.story.answered += background.heard.answered
    stage.story.failed += background.heard.failed
    for reason in background.heard.failures:
        click.echo(f"  ! {reason}", err=True)


def _spread(frame: pd.DataFrame, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take rows evenly over the month, in order; the next ones are for asking in the background."""
    step = 1 if rows <= 0 else max(1, len(frame) // rows)
    played = frame.iloc[::step]
    rest = frame.drop(index=played.index).iloc[:BACKGROUND_ROWS]
    return played.reset_index(drop=True), (rest if len(rest) else played).reset_index(drop=True)


def _send(stage: _Stage, period: Period, frame: pd.DataFrame) -> None:
    from ml_platform.stages.replay import play
    from ml_platform.stages.request_rows import request_rows

    asked = request_rows(stage.governed.spec, frame)
    outcomes = _outcomes(stage, frame)
    labels: list[tuple[str, Outcome, dt.datetime]] = []
    with click.progressbar(length=len(asked), label=f"{period.name}: {len(asked):,} predictions") as bar:
        for answer in play(stage.url, asked):
            pairs = zip(answer.ids, answer.rows, strict=True)
            labels += [(identity, outcomes[row], utc_now()) for identity, row in pairs]
            stage.story.answered += len(answer.ids)
            bar.update(len(answer.ids))
    _label(stage, labels)


def _outcomes(stage: _Stage, frame: pd.DataFrame) -> list[Outcome]:
    """Return each row's outcome as a label says it: a class by its name, anything else as a number."""
    spec = stage.governed.spec
    named = spec.learner.task == "multiclass"
    return [str(value) if named else float(value) for value in frame[spec.target]]


def _label(stage: _Stage, labels: list[tuple[str, Outcome, dt.datetime]]) -> None:
    from ml_platform.adapters.labels import LabelStore

    LabelStore(stage.platform.home).append(stage.model, labels)


def _watch(stage: _Stage, period: Period) -> None:
    """Judge the outcomes and the month, let the sensor decide, and do what it asks for."""
    for job, month in ((f"{stage.model}_feedback", None), (f"{stage.model}_monitor", period.name)):
        run = stage.dagster.launch(job, partition=month)
        if not run.success:
            click.echo(f"  {_first_line(run.failure)}")
    performance, gates = _performance(stage)
    click.echo(f"  live {_headline(stage)[1]} {performance}; {gates}")
    followed = _decide(stage)
    stage.story.months.append(_Month(name=period.name, performance=performance, gates=gates, followed=followed))


def _performance(stage: _Stage) -> tuple[str, str]:
    """Return the live AUC or error with its interval, and what the gates that start retraining said."""
    part = stage.platform.ledger.latest_part(stage.model, "monitoring")
    verdicts = part.verdicts if part else ()
    watched = stage.governed.spec.monitoring.retrain_when if stage.governed.spec.monitoring else ()
    said = [f"{one.gate} {one.outcome.value}" for one in verdicts if one.gate in watched]
    metric, _ = _headline(stage)
    live = next((m for one in verdicts for m in one.measurements if m.metric == metric), None)
    if live is None or live.value is None:
        return (live.reason if live else "not measured"), ", ".join(said)
    interval = f" [{live.low:.3f}, {live.high:.3f}]" if live.low is not None and live.high is not None else ""
    return f"{live.value:.3f}{interval} (n = {live.n:,})", ", ".join(said)


def _headline(stage: _Stage) -> tuple[str, str]:
    """Return the metric that says how the live model did, and its name."""
    match stage.governed.spec.learner.task:
        case "binary":
            return "live_roc_auc", "AUC"
        case "multiclass":
            return "live_macro_roc_auc", "mean AUC of the classes"
        case "regression" | "quantile":
            return "live_loss_change", "loss against release"
        case task:
            assert_never(task)


def _decide(stage: _Stage) -> str:
    decision = stage.dagster.tick(f"{stage.model}_retrain_sensor")
    if not decision.requests:
        click.echo(f"  sensor: no retraining, because {decision.reason}")
        return "cool-down" if "cool-down" in decision.reason else "-"
    said = []
    for request in decision.requests:
        why = request.tags.get("ml_platform/trigger", "of a cause without a name")
        click.echo(f"  sensor: retraining requested, because {why}")
        said.append(_retrain(stage, request))
    return "; ".join(said)


def _retrain(stage: _Stage, request: Request) -> str:
    before = stage.platform.ledger.live(stage.model, "production")
    run = stage.dagster.launch(
        request.job,
        run_config=request.run_config,
        tags=request.tags,
        on_step=lambda step: click.echo(f"    … {step.replace('__', '/')}"),
    )
    after = stage.platform.ledger.live(stage.model, "production")
    if not run.success:
        click.echo(f"  the new candidate was refused:\n{run.failure}")
        return "retrained, and the candidate was refused"
    moved = after is not None and (before is None or after.version != before.version)
    text = f"retrained, v{after.version} is live in production" if moved and after else "retrained, in staging"
    click.echo(f"  {text}")
    return text


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else "see the run in the Dagster UI"


def _say_story(stage: _Stage) -> int:
    click.echo(f"\nThe replay of {stage.model}:")
    wide = max(len(one.performance) for one in stage.story.months)
    watched = max(len(one.gates) for one in stage.story.months)
    named = _headline(stage)[1]
    for one in stage.story.months:
        click.echo(f"  {one.name}  live {named} {one.performance:<{wide}}  {one.gates:<{watched}}  {one.followed}")
    click.echo(f"\n{stage.story.answered:,} requests answered, {stage.story.failed:,} not answered.")
    return 1 if stage.story.failed else 0
