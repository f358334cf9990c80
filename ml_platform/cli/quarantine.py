"""`ml-platform quarantine`: the rows that a model's contract refused, each with all its reasons."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import load
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.records import QuarantineRecord

WIDTH = 140
LONGEST_VALUE = 60


@click.command(name="quarantine")
@click.argument("model")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=0), help="How many rows to list.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for other programs.")
def command(model: str, *, limit: int, as_json: bool) -> int:
    """List the rows of MODEL's newest snapshot that the contract refused: how many for which reason, then the rows.

    Values of columns about persons are masked. Exit 2 when no snapshot was taken yet.
    """
    governed = load(model)
    from ml_platform.adapters.platform import open_platform
    from ml_platform.core.records import QuarantineRecord
    from ml_platform.orchestration.records import read_record
    from ml_platform.stages.quarantine import read_refused

    with open_platform(load_settings()) as platform:
        record = read_record(platform.home, (model, "quarantine"), QuarantineRecord)
        if record is None:
            click.echo(
                f"{model}: no snapshot was taken yet; one is needed; `ml-platform run {model}` takes it", err=True
            )
            return 2
        rows = read_refused(governed.spec, record, store=platform.store).head(limit)
    click.echo(_document(record, rows) if as_json else "\n".join(_lines(record, rows)))
    return 0


def _lines(record: QuarantineRecord, rows: pd.DataFrame) -> Iterator[str]:
    from ml_platform.core.digest import short
    from ml_platform.reports.plain_text import one_line
    from ml_platform.stages.quarantine import most_frequent_first

    if not record.rows:
        yield f"{record.model}: the quarantine is empty; all {record.rows_seen:,} rows keep the contract"
        return
    of = f"{record.rows:,} of {record.rows_seen:,} rows are in quarantine {short(record.digest)}"
    yield f"{record.model}: {of}; a row can have several reasons"
    for reason, count in most_frequent_first(record.reasons).items():
        yield f"{count:>12,}  {one_line(reason)}"
    for number, (reasons, values) in enumerate(_each(rows), 1):
        yield ""
        yield from _wrapped(f"{number:>12,}  ", one_line(reasons))
        told = "  ".join(f"{name}={one_line(str(value), LONGEST_VALUE)}" for name, value in values.items())
        yield from _wrapped(f"{'':>14}", told)
    if len(rows) < record.rows:
        yield f"\n… and {record.rows - len(rows):,} more rows; --limit {record.rows} lists all"


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def _each(rows: pd.DataFrame) -> Iterator[tuple[str, dict[str, object]]]:
    """Return each row's reasons and its values that are there."""
    from ml_platform.stages.quarantine import REASON

    for row in rows.astype(object).to_dict("records"):
        reasons = str(row.pop(REASON))
        yield reasons, {str(name): value for name, value in row.items() if not _missing(value)}


def _missing(value: object) -> bool:
    import pandas as pd

    return bool(pd.isna(value))  # type: ignore[call-overload]


def _document(record: QuarantineRecord, rows: pd.DataFrame) -> str:
    import json

    from ml_platform.stages.assemble import SEPARATOR
    from ml_platform.stages.quarantine import most_frequent_first

    listed = [{"reasons": reasons.split(SEPARATOR), "values": values} for reasons, values in _each(rows)]
    found = {
        "model": record.model,
        "quarantine": record.digest,
        "rows": record.rows,
        "rows_seen": record.rows_seen,
        "reasons": most_frequent_first(record.reasons),
        "listed": listed,
    }
    return json.dumps(found, indent=2, ensure_ascii=False, default=str)
