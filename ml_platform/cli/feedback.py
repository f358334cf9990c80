"""`ml-platform feedback`: bring what people said of predictions from a file, and look at what came."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import ENVIRONMENTS, acting
from ml_platform.cli.models import load, utc_now
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.remark import Remark
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.import_feedback import Imported, Told
    from ml_platform.stages.sort_remarks import Predictions, Sorted

IMPORTED = "feedback_imported"
BECAME = ("taken", "heard before", "kept aside", "refused")
ENVIRONMENT = click.option(
    "--env", "environment", type=ENVIRONMENTS, default="production", show_default=True, help="Of whose predictions."
)


@click.group(name="feedback")
def command() -> None:
    """Bring what people said of predictions from a file, and look at what came."""


@command.command(name="import")
@click.argument("model")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@ENVIRONMENT
@click.option("--column", "columns", multiple=True, help="What a column is called in the file: outcome=arrived_late.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write what became of each row here.")
@click.option("--by", "actor", help="Who brings it; default: ML_PLATFORM_ACTOR.")
def import_(
    model: str, path: Path, *, environment: str, columns: tuple[str, ...], report: Path | None, actor: str | None
) -> int:
    """Take the rows of FILE (.csv, .parquet, .ndjson) as feedback on MODEL; again changes nothing.

    Columns: prediction_id or inputs that name one, outcome, correction, rating, comment, at, by. What became of each
    row is said with its reason; exit 1 when a row was refused or kept aside.
    """
    from ml_platform.adapters.platform import open_platform

    spec = load(model).spec
    with open_platform(load_settings()) as platform:
        person = acting(platform, Action.GIVE_FEEDBACK, model, by=actor or None)
        return _import(
            platform, spec, path, environment=environment, columns=_mapped(columns), report=report, person=person
        )


def _import(
    platform: Platform,
    spec: ModelSpec,
    path: Path,
    *,
    environment: str,
    columns: dict[str, str],
    report: Path | None,
    person: str,
) -> int:
    from ml_platform.adapters.feedback_log import FeedbackLog, feedback_folder, read_feedback
    from ml_platform.stages.feedback_file import Reading, digest_of_file, read_rows
    from ml_platform.stages.import_feedback import Importing, Told, import_feedback

    folder = feedback_folder(platform.home, environment, spec.model)
    heard = read_feedback(folder, keys=platform.keys).remarks
    importing = Importing(
        actor=person, digest=digest_of_file(path), now=utc_now(), heard=[one.identity for one in heard],
        predictions=_predictions(platform, environment, spec.model),
    )  # fmt: skip
    rows, told = read_rows(path, Reading(spec=spec, columns=columns)), Told()
    with contextlib.closing(FeedbackLog(folder, keys=platform.keys)) as log:
        try:
            _take(told, import_feedback(spec, rows, importing, log.append), report)
        finally:
            counts = {name.replace(" ", "_"): count for name, count in told.counts.items()}
            payload = {"file": importing.digest, "environment": environment, **counts}
            platform.ledger.append(IMPORTED, actor=person, subject=spec.model, payload=payload, at=importing.now)
    click.echo("\n".join(_lines(told, path, report)))
    return 1 if told.reasons else 0


def _take(told: Told, rows: Iterable[Imported], report: Path | None) -> None:
    with report.open("w", encoding="utf-8") if report else contextlib.nullcontext() as file:
        for one in rows:
            told.hear(one)
            if file is not None:
                file.write(json.dumps({"row": one.row, "became": one.became, "reason": one.reason}) + "\n")


def _lines(told: Told, path: Path, report: Path | None) -> Iterator[str]:
    said = ", ".join(f"{told.counts[name]:,} {name}" for name in BECAME if told.counts[name]) or "no rows"
    yield f"{'!' if told.reasons else '✓'} {path}: {said}"
    for (became, reason), count in told.reasons.most_common():
        yield f"{count:>12,}  {became}: {reason}"
    yield from (f"{'row ' + format(one.row, ','):>14}  {one.became}: {one.reason}" for one in told.first)
    if told.reasons.total() > len(told.first):
        where = f"{report} has all" if report else "--report FILE writes all"
        yield f"… and {told.reasons.total() - len(told.first):,} more rows; {where}"


def _mapped(columns: Sequence[str]) -> dict[str, str]:
    from ml_platform.stages.feedback_file import KNOWN

    found = {}
    for one in columns:
        name, given, column = one.partition("=")
        if name not in KNOWN or not given or not column:
            message = f"--column {one[:60]}: it is written like outcome=arrived_late; known: {', '.join(KNOWN)}"
            raise DataInvalid(f"{message}; correct it")
        found[name] = column
    return found


def _predictions(platform: Platform, environment: str, model: str) -> Predictions:
    from ml_platform.adapters.traffic_log import read, traffic_folder
    from ml_platform.stages.sort_remarks import known_predictions

    served = read(traffic_folder(platform.home, environment, model), keys=platform.keys)
    return known_predictions(served.predictions)


@command.command(name="show")
@click.argument("model")
@ENVIRONMENT
@click.option("--limit", default=5, show_default=True, type=click.IntRange(min=0), help="How many comments to show.")
def show(model: str, *, environment: str, limit: int) -> int:
    """Say what came for MODEL: from whom, what of it counts, what is kept aside and why; the newest comments."""
    from ml_platform.adapters.feedback_log import feedback_folder, read_feedback
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.sort_remarks import sort_remarks

    spec = load(model).spec
    with open_platform(load_settings()) as platform:
        heard = read_feedback(feedback_folder(platform.home, environment, model), keys=platform.keys)
        found = sort_remarks(spec, heard.remarks, _predictions(platform, environment, model))
    if not heard.remarks:
        click.echo(f"{model} ({environment}): nobody has said anything yet; `POST /feedback` or `feedback import` does")
        return 0
    torn = f"; {heard.torn:,} lines of the log are torn" if heard.torn else ""
    click.echo(
        f"{model} ({environment}): {len(heard.remarks):,} remarks, {len(found.about):,} on a prediction, "
        f"{len(found.aside):,} kept aside{torn}"
    )
    click.echo("\n".join((*_of_aside(found), *_of_people(found), *_comments(heard.remarks, limit))))
    return 0


def _of_aside(found: Sorted) -> Iterator[str]:
    for reason, count in Counter(reason for _, reason in found.aside).most_common():
        yield f"{count:>12,}  kept aside: {reason}"


def _of_people(found: Sorted) -> Iterator[str]:
    from ml_platform.reports.plain_text import one_line

    people = Counter(one.remark.by for one in found.about)
    for person, count in sorted(people.items(), key=lambda each: (-each[1], each[0])):
        theirs = [one.remark for one in found.about if one.remark.by == person]
        answers = sum(one.answer is not None for one in theirs)
        ratings = [one.rating for one in theirs if one.rating is not None]
        mean = f", rated {sum(ratings) / len(ratings):.2g} of 5 ({len(ratings):,})" if ratings else ""
        yield f"{count:>12,}  by {one_line(person, 60) or 'nobody that is known'}: {answers:,} with an answer{mean}"


def _comments(remarks: Sequence[Remark], limit: int) -> Iterator[str]:
    from ml_platform.reports.plain_text import one_line

    said = [one for one in remarks if one.comment][-limit:] if limit else []
    for one in reversed(said):
        yield f"{one.heard_at:%Y-%m-%d %H:%M}  {one_line(one.by, 60) or '-'}: {one_line(one.comment, 200)}"
