"""`ml-platform contract`: draft a contract from a table, or hold a file of any length against a model's contract."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import load, utc_now
from ml_platform.core.errors import NotEnoughEvidence, Unavailable
from ml_platform.core.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Csv, ModelSpec


@click.group(name="contract")
def command() -> None:
    """Draft a contract from data, or check a file against a model's contract."""


@command.command(name="infer")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="The column that holds the outcome.")
def infer(source: Path, target: str | None) -> None:
    """Print a contract for SOURCE, a CSV or Parquet file, as YAML for the model file.

    Types, ranges, levels, missing shares, what is unique, formats and personal data are guessed from the rows.
    """
    from ml_platform.stages.draft_contract import draft_contract

    frame, doubts = _read(source)
    click.echo(draft_contract(frame, source=source.name, target=target, doubts=doubts), nl=False)


@command.command(name="check")
@click.argument("model")
@click.argument("file", type=click.Path(path_type=Path))
def check(model: str, file: Path) -> int:
    """Check FILE, a CSV or Parquet file of any length, against MODEL's contract; memory doesn't grow with it.

    A CSV file is read as the model's one table of files states it; what isn't stated is detected.
    FILE has to have the contract's columns: what `assemble` would make of the source's tables is not made here.
    """
    from ml_platform.policy.judge import judge
    from ml_platform.reports.terminal import verdict_lines
    from ml_platform.stages.contract_stream import check_contract_streaming
    from ml_platform.stages.quarantine import most_frequent_first
    from ml_platform.stages.snapshot_measurements import listed
    from ml_platform.stages.stream_measurements import measure_columns, measure_stream

    governed = load(model)
    spec = governed.spec
    form, wanted = _stated(spec)
    found = check_contract_streaming(str(file), spec.contract, file, rules=spec.rules, form=form)
    sample = _sample(spec, file, form, wanted)
    click.echo(f"{found.rows:,} rows, {len(found.refused):,} refused")
    for reason, count in most_frequent_first(found.broken).items():
        click.echo(f"{count:>12,}  {reason}")
    if found.coerced:
        click.echo(f"{sum(found.coerced.values()):>12,}  cells converted though no `coerce` states it:")
        for how, count in most_frequent_first(found.coerced).items():
            click.echo(f"{count:>16,}  {how}")
    unnamed = [name for name in sample.columns if name not in spec.contract]
    if unnamed:
        click.echo(f"{len(unnamed):>12,}  columns that the contract doesn't name: {listed(unnamed)}")
    measurements = (*measure_stream(spec, found), *measure_columns(spec, sample))
    judged = judge(governed.policy, "snapshot", measurements, conditions=frozenset(), now=utc_now())
    verdicts = [_without_quarantine(verdict) for verdict in judged if verdict.measurements]
    click.echo("\n".join(["", *verdict_lines(verdicts)]))
    return _exit_code(verdicts)


def _without_quarantine(verdict: Verdict) -> Verdict:
    """Return a verdict whose advice leads to what a check prints: it puts no row aside."""
    if "quarantine" not in verdict.next_step:
        return verdict
    step = "Read the reasons above, look the rows up in the file; correct it, or the contract if the world has changed."
    return dataclasses.replace(verdict, next_step=step)


def _stated(spec: ModelSpec) -> tuple[Csv, tuple[str, ...] | None]:
    """Return how the model's one table of files is written and which of its columns are read, if it has just one."""
    from ml_platform.policy.spec import Csv, SqlTable

    tables = [table for table in spec.source.tables.values() if not isinstance(table, SqlTable)]
    return (tables[0].csv, tables[0].columns) if len(tables) == 1 else (Csv(), None)


def _sample(spec: ModelSpec, file: Path, form: Csv, wanted: tuple[str, ...] | None) -> pd.DataFrame:
    """Return the first rows of a file with the columns that a snapshot would read."""
    from ml_platform.sources.stream import open_stream

    sample = open_stream(str(file), file, form).sample([name for name, one in spec.contract.items() if one.is_text])
    if wanted is None:
        return sample
    return sample[[name for name in sample.columns if name in wanted or name in spec.contract]]


def _exit_code(verdicts: list[Verdict]) -> int:
    closed = {verdict.outcome for verdict in verdicts if verdict.closes}
    if Outcome.FAILED in closed:
        return 1
    return NotEnoughEvidence.exit_code if closed else 0


def _read(source: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read a file whole, and say of a CSV file's columns what is unclear in them.

    Numbers of a CSV file that begin with zeros are codes and stay text.
    """
    import pandas as pd

    from ml_platform.sources.content import parse_table
    from ml_platform.stages.guess_coercion import THOUSANDS_OR_DECIMALS, may_be_thousands

    try:
        content = source.read_bytes()
    except OSError as error:
        message = f"{source}: can't be read ({error.strerror}); a CSV or Parquet file is needed; correct the path"
        raise Unavailable(message) from error
    frame: pd.DataFrame = parse_table(str(source), content).to_pandas()
    whole = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)]
    broken = [name for name in frame.columns if pd.api.types.is_float_dtype(frame[name].dtype)]
    if not (whole or broken) or content[:4] == b"PAR1":
        return frame, {}
    texts: pd.DataFrame = parse_table(str(source), content, text_columns=[*whole, *broken]).to_pandas()
    codes = [name for name in whole if texts[name].cat.categories.str.fullmatch("0[0-9]+").any()]
    unclear = [name for name in broken if may_be_thousands(texts[name].cat.categories.tolist())]
    return frame.assign(**{name: texts[name] for name in codes}), dict.fromkeys(unclear, THOUSANDS_OR_DECIMALS)
