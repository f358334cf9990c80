"""`ml-platform explain`: what moved a score, row by row, in exact contributions that add up to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.cli.models import find_release, load, split_reference
from ml_platform.core.errors import DataInvalid, PlatformError, Unavailable
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.explained import Explained
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.explainable import Explainable

MOST_PROBLEMS = 10


@click.command(name="explain")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.argument("rows", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--row", "number", type=int, help="Explain this row of the holdout instead, counted from 1.")
@click.option("--reasons", "most", default=4, show_default=True, type=click.IntRange(min=1), help="Features to name.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many rows to explain.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(reference: str, rows: Path | None, *, number: int | None, most: int, limit: int, as_json: bool) -> int:
    """Say for each row of ROWS what moved its score most towards the decision.

    ROWS is a CSV or Parquet file with the contract's inputs, or a JSON file like a scoring request. Without a version
    the newest is meant, or the newest model that was trained when none was released. Values of columns about persons
    aren't shown.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.reasons import reasons

    if (rows is None) == (number is None):
        given = "neither is given" if rows is None else "both are given"
        raise DataInvalid(f"ROWS and --row: {given}; one of them is needed; name a file, or a row of the holdout")
    with open_platform(load_settings()) as platform:
        title, found = _find(platform, reference)
        if rows is None:
            part, total = found.holdout_part(number or 0), 1
        else:
            checked = _checked(found, _read(rows, found))
            part, total = found.request_part(checked[:limit]), len(checked)
        told = reasons(part, found.shown, classes=found.spec.classes, most=most, first=number or 1)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        where = "of the holdout" if rows is None else f"of {rows}"
        click.echo("\n".join(_lines(title, told, where, total)))
    return 0


def _lines(title: str, told: Sequence[Explained], where: str, total: int) -> Iterator[str]:
    from ml_platform.reports.plain_text import one_line
    from ml_platform.reports.reason_words import reason_text, score_text, sum_text

    yield title
    for one in told:
        yield ""
        yield f"row {one.row:,} {one_line(where)} · {score_text(one)}"
        yield from (f"    {reason_text(reason, one.unit)}" for reason in one.reasons)
        if not one.reasons:
            yield "    no feature moved it there: the model's average does"
        yield f"    {sum_text(one)}"
    if len(told) < total:
        yield f"\n… and {total - len(told):,} more rows; --limit {total} explains all"


def _find(platform: Platform, reference: str) -> tuple[str, Explainable]:
    from ml_platform.stages.explainable import of_release

    model, rest = split_reference(reference)
    if not rest and not platform.ledger.releases(model):
        return _newest(platform, model)
    release = find_release(platform, reference)
    present = _present(release.model)
    found = of_release(platform.store, platform.ledger, release, present=present)
    return f"{release.model} v{release.version}", found


def _newest(platform: Platform, model: str) -> tuple[str, Explainable]:
    """Return the newest model that was trained; nothing of it was released."""
    from ml_platform.core.records import FeaturesRecord, ModelRecord
    from ml_platform.orchestration.records import read_record
    from ml_platform.stages.explainable import explainable

    spec = load(model).spec
    features = read_record(platform.home, (model, "features"), FeaturesRecord)
    trained = read_record(platform.home, (model, "model"), ModelRecord)
    if features is None or trained is None:
        raise DataInvalid(f"{model}: no model was trained yet; one is needed; `ml-platform run {model}` trains it")
    found = explainable(spec, store=platform.store, features=features, model=trained)
    return f"{model}, the newest that was trained (never released)", found


def _present(model: str) -> ModelSpec | None:
    try:
        return load(model).spec
    except PlatformError:  # a model file that is broken or gone by now is no part of a record
        return None


def _checked(found: Explainable, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows, a level of a category as its text; raises DataInvalid for what the service would refuse."""
    from ml_platform.serving.contract_check import ContractCheck
    from ml_platform.serving.refusal import Refused

    try:
        ContractCheck(found.bundle.contract, found.bundle.features.levels).check(rows)
    except Refused as error:
        told = [f"row {(each.row or 0) + 1}, column '{each.column}': {each.problem}" for each in error.body.problems]
        more = error.body.problems_found - MOST_PROBLEMS
        shown = [*told[:MOST_PROBLEMS], *([f"… and {more:,} more problems"] if more > 0 else [])]
        needed = "rows that the model's contract accepts are needed; correct them, as a caller of the service would"
        raise DataInvalid("\n".join([f"{found.spec.model}: {needed}:", *(f"  {one}" for one in shown)])) from None
    return rows


def _read(path: Path, found: Explainable) -> list[dict[str, Any]]:
    """Read rows as a request carries them: JSON in the service's formats, anything else as a table."""
    from ml_platform.serving.refusal import Refused
    from ml_platform.serving.request import parse

    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path}: can't be read ({error.strerror}); a CSV, Parquet or JSON file is needed; correct the path"
        raise Unavailable(message) from error
    if content.lstrip()[:1] != b"{":
        return _table_rows(path, content, found)
    try:
        return parse(content)
    except Refused as error:
        raise DataInvalid(f"{path}: {error}; send what the service takes") from None


def _table_rows(path: Path, content: bytes, found: Explainable) -> list[dict[str, Any]]:
    """Return a table's rows without the contract's columns that are no inputs, such as the outcome."""
    from ml_platform.sources.content import parse_table

    contract, inputs = found.spec.contract, {column.name: column.type for column in found.bundle.contract.inputs}
    texts = [name for name, kind in inputs.items() if kind == "category"]
    table = parse_table(str(path), content, text_columns=texts).to_pandas()
    taken = [name for name in table.columns if name in inputs or name not in contract]
    columns = {name: [_sent(value, inputs.get(name, "")) for value in table[name].astype(object)] for name in taken}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _sent(value: object, kind: str) -> object:
    """Return a table's cell as JSON carries it; a table writes yes and no also as 1 and 0."""
    import pandas as pd

    if pd.isna(value):  # type: ignore[call-overload]
        return None
    if isinstance(value, dt.date):
        return value.isoformat()
    sent = value.item() if hasattr(value, "item") else value
    return bool(sent) if kind == "boolean" and sent in (0, 1) else sent
