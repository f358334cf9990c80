"""What reading sources carefully costs, in CPU seconds, against a named baseline in the same run.

`python benchmarks/sources.py --rows 200000 --files 12`

| line | ours | baseline |
|---|---|---|
| csv | detect, check every byte, read | pyarrow.csv on the same bytes, told what they are |
| parquet folder | digest, check, unite | pyarrow.dataset on the same folder |
| watch again | the fingerprint of an unchanged folder, remembered | the fingerprint that reads every byte |
| one file more | reading a folder of CSV files of which one is new | reading the whole folder |
| sql | as a table, with its digest | pandas.read_sql on the same query |
| sql, 1 % more | reading rows above the watermark | reading the whole table |
"""

from __future__ import annotations

import argparse
import datetime as dt
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from pyarrow import csv

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.memory import FileMemory
from ml_platform.policy.spec import ModelSpec, SqlTable
from ml_platform.sources.content import parse_table
from ml_platform.sources.kept import Past
from ml_platform.sources.read import fingerprint
from ml_platform.sources.read_source import keep_read, read_source
from ml_platform.sources.sql import read_sql
from ml_platform_tests.stages.toy import toy_spec

NOW = dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=1)
REPEATS = 3


def seconds(work: Callable[[], object]) -> float:
    """Return the least CPU time of a few tries."""
    found = []
    for _ in range(REPEATS):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def say(name: str, ours: float, baseline: float) -> None:
    """Print a line of the table."""
    print(f"{name:16} ours {ours:7.3f} s   baseline {baseline:7.3f} s   ratio {ours / max(baseline, 1e-9):6.2f}")


def made(rows: int) -> pd.DataFrame:
    """Make rows: a growing number, a fraction, a text with an umlaut, an outcome."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "mark": np.arange(rows),
            "load": rng.normal(size=rows).round(4),
            "site": rng.choice(["north", "south", "süd"], rows),
            "late": rng.integers(0, 2, rows),
        }
    )


def spec_of(table: dict[str, Any]) -> ModelSpec:
    """Return a model of one table."""
    return toy_spec(source={"tables": {"rows": table}, "licence": "CC0-1.0", "description": "Made."})


def of_csv(rows: pd.DataFrame) -> None:
    """Compare the reading of one CSV file."""
    content = rows.to_csv(index=False).encode()
    options = {"read_options": csv.ReadOptions(use_threads=False, block_size=len(content) + 1)}
    plain = csv.ConvertOptions(auto_dict_encode=True)
    say(
        "csv",
        seconds(lambda: parse_table("t", content)),
        seconds(lambda: csv.read_csv(pa.BufferReader(content), convert_options=plain, **options)),
    )


def of_folder(folder: Path, rows: pd.DataFrame, files: int) -> None:
    """Compare the reading and the watching of a folder of Parquet files."""
    for number, part in enumerate(np.array_split(np.arange(len(rows)), files)):
        path = folder / f"month={number:02}" / "rows.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pandas(rows.iloc[part], preserve_index=False), path)
    spec = spec_of({"kind": "file", "path": str(folder)})
    source = fingerprint(spec, now=NOW).record
    plain = seconds(
        lambda: pyarrow.dataset.dataset(folder, partitioning="hive").to_table(use_threads=False).to_pandas()
    )
    say("parquet folder", seconds(lambda: read_source(spec, source, past=None, now=NOW)), plain)
    with tempfile.TemporaryDirectory() as home:
        memory = FileMemory(Path(home))
        fingerprint(spec, now=NOW, memory=memory, watching=True)
        again = seconds(lambda: fingerprint(spec, now=NOW, memory=memory, watching=True))
    say("watch again", again, seconds(lambda: fingerprint(spec, now=NOW)))


def of_one_file_more(folder: Path, rows: pd.DataFrame, files: int) -> None:
    """Compare the reading of a folder of CSV files of which all but one are kept."""
    table = {"kind": "file", "path": str(folder / "rows"), "incremental": {"by": "partition"}}
    spec, parts = spec_of(table), np.array_split(np.arange(len(rows)), files)
    past = Past(FileArtefacts(folder / "home"), FileMemory(folder / "home"))
    (folder / "rows").mkdir(parents=True)
    for number, part in enumerate(parts):
        if number == files - 1:
            first = read_source(spec, fingerprint(spec, now=NOW).record, past=past, now=NOW)
            keep_read(spec, first, past=past, without=[])
        rows.iloc[part].to_csv(folder / "rows" / f"{number:02}.csv", index=False)
    source = fingerprint(spec, now=NOW).record
    say(
        "one file more",
        seconds(lambda: read_source(spec, source, past=past, now=NOW)),
        seconds(lambda: read_source(spec, source, past=None, now=NOW)),
    )


def of_sql(folder: Path, rows: pd.DataFrame) -> None:
    """Compare the reading of a table in SQLite, whole and above its watermark."""
    path = folder / "rows.db"
    some = len(rows) * 99 // 100
    said = {"kind": "sql", "url": f"sqlite:///{path}", "table": "rows"}
    grown = spec_of(said | {"incremental": {"by": "watermark", "column": "mark"}})
    past = Past(FileArtefacts(folder / "home"), FileMemory(folder / "sql"))
    with closing(sqlite3.connect(path)) as connection:
        rows.iloc[:some].to_sql("rows", connection, index=False)
        connection.execute("CREATE INDEX by_mark ON rows (mark)")
        first = read_source(grown, fingerprint(grown, now=NOW).record, past=past, now=NOW)
        keep_read(grown, first, past=past, without=[])
        rows.iloc[some:].to_sql("rows", connection, index=False, if_exists="append")
        whole = SqlTable.model_validate(said)
        read_all = seconds(lambda: read_sql("t", whole))
        say("sql", read_all, seconds(lambda: pd.read_sql("SELECT * FROM rows", connection)))
        now = fingerprint(grown, now=NOW).record
        say("sql, 1 % more", seconds(lambda: read_source(grown, now, past=past, now=NOW)), read_all)


def main(arguments: list[str] | None = None) -> None:
    """Compare everything."""
    parser = argparse.ArgumentParser(description="What reading sources carefully costs.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--files", type=int, default=12)
    asked = parser.parse_args(arguments)
    rows = made(asked.rows)
    with tempfile.TemporaryDirectory() as folder:
        of_csv(rows)
        of_folder(Path(folder) / "parquet", rows, asked.files)
        of_one_file_more(Path(folder) / "csv", rows, asked.files)
        of_sql(Path(folder), rows)


if __name__ == "__main__":
    main()
