"""`ml-platform contract infer`: draft a contract from a table, for a person to edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.core.errors import Unavailable

if TYPE_CHECKING:
    import pandas as pd


@click.group(name="contract")
def command() -> None:
    """Draft a contract from data."""


@command.command(name="infer")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="The column that holds the outcome.")
def infer(source: Path, target: str | None) -> None:
    """Print a contract for SOURCE, a CSV or Parquet file, as YAML for the model file.

    Types, ranges, levels, missing shares, what is unique, formats and personal data are guessed from the rows.
    """
    from ml_platform.stages.draft_contract import draft_contract

    click.echo(draft_contract(_read(source), source=source.name, target=target), nl=False)


def _read(source: Path) -> pd.DataFrame:
    """Read a file whole; numbers of a CSV file that begin with zeros are codes and stay text."""
    import pandas as pd

    from ml_platform.sources.content import parse_table

    try:
        content = source.read_bytes()
    except OSError as error:
        message = f"{source}: can't be read ({error.strerror}); a CSV or Parquet file is needed; correct the path"
        raise Unavailable(message) from error
    frame: pd.DataFrame = parse_table(str(source), content).to_pandas()
    whole = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)]
    if not whole or content[:4] == b"PAR1":
        return frame
    texts: pd.DataFrame = parse_table(str(source), content, text_columns=whole).to_pandas()
    codes = [name for name in whole if texts[name].cat.categories.str.fullmatch("0[0-9]+").any()]
    return frame.assign(**{name: texts[name] for name in codes})
