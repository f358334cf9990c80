"""Collect a window of traffic: the predictions served in it, joined with the labels that have come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.digest import canonical_json
from ml_platform.core.measured import Measured
from ml_platform.core.records import WindowRecord
from ml_platform.core.traffic import INPUT_COLUMN, SCORE_COLUMN
from ml_platform.stages.labels_of_window import join_labels
from ml_platform.stages.level_text import level_text
from ml_platform.stages.measure_traffic import SERVER_ERROR, measure_traffic
from ml_platform.stages.served_once import served_once

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    import pyarrow as pa

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.stages.labels_of_window import Joined
    from ml_platform.stages.periods import Period
    from ml_platform.stages.served_once import Served

KIND = "windows"
FILE = "traffic.parquet"
KEPT = ("id", "event_time", "version", "model_digest", "status", "score", "latency_seconds", "unseen")
ROWS_PER_GROUP = 1 << 17
MOST_LEVELS = 10_000


def collect_window(
    model: str,
    environment: str,
    period: Period,
    *,
    predictions: Iterable[pa.Table],
    words: Iterable[pa.Table],
    store: ArtefactStore,
    now: dt.datetime,
    torn: int = 0,
) -> Measured[WindowRecord]:
    """Keep the predictions of a period with their labels as one immutable table, and measure the traffic.

    `predictions` are in columns, as the traffic log reads them, `words` are labels, as the label store does. A
    prediction is counted once by its id, however often the log repeats it; one that nobody was answered with, as a
    shadow's, isn't counted. A label of another window's prediction is left alone.
    Made again of the same traffic and labels it is the same, by its digest.
    """
    served = served_once(predictions, period)
    joined = join_labels(served.rows, words, now)
    digest = _digest(served, joined)
    unchanged = store.has(KIND, digest)
    if not unchanged:
        _keep(store, digest, served.rows, joined)
    record = WindowRecord(
        model=model,
        environment=environment,
        window=period.name,
        digest=digest,
        predictions=len(served.rows),
        labelled=int(joined.known.sum()),
        errors=int((served.rows["status"].to_numpy() >= SERVER_ERROR).sum()),
        versions=_by_version(served.rows),
        facts={
            "repeated_predictions": served.repeated,
            "contrary_predictions": served.contrary,
            "contradicted_labels": joined.contradicted,
            **joined.left_out,
        },
    )
    measured = measure_traffic(period, served, joined, torn=torn)
    return Measured(record=record, measurements=tuple(measured), unchanged=unchanged)


def read_window(store: ArtefactStore, record: WindowRecord) -> pd.DataFrame:
    """Return a window's table: id, event_time, version, model_digest, status, score, latency, label, inputs.

    Of several classes `score` is the largest probability and `score_0`, `score_1` … hold each; labels are names. Inputs
    that are text are categories, if their values are few.
    """
    import pyarrow.parquet as pq

    with store.open(KIND, record.digest, FILE) as file:
        texts = [field.name for field in pq.read_schema(file) if _is_text_input(field)]
        file.seek(0)
        table = pq.ParquetFile(file, read_dictionary=texts).read(use_threads=False).unify_dictionaries()
    for name in texts:
        if any(len(values.dictionary) > MOST_LEVELS for values in table[name].chunks):
            table = table.set_column(table.column_names.index(name), name, table[name].cast("string"))
    found: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True, use_threads=False)
    return found


def _is_text_input(field: pa.Field) -> bool:
    import pyarrow as pa

    return field.name.startswith(INPUT_COLUMN) and bool(pa.types.is_string(field.type))


def _by_version(rows: pa.Table) -> dict[str, int]:
    versions, counts = np.unique(rows["version"].to_numpy(), return_counts=True)
    return {str(version): int(count) for version, count in zip(versions.tolist(), counts, strict=True)}


def _digest(served: Served, joined: Joined) -> str:
    """Return the digest of what each line says, of the outcomes, and of what was left out."""
    import pyarrow.compute as pc

    said = {"contrary": served.contrary, "contradicted": joined.contradicted, "left_out": dict(joined.left_out)}
    content = hashlib.sha256(canonical_json(said).encode())
    lines = served.rows["says"].combine_chunks()
    content.update(memoryview(lines.buffers()[1])[: lines.nbytes] if len(lines) else b"")
    content.update(joined.known.tobytes())
    content.update(pc.fill_null(joined.number, 0.0).to_numpy())
    if joined.name.null_count < len(joined.name):
        content.update("\n".join(pc.fill_null(joined.name, "").to_pylist()).encode())
    return content.hexdigest()


def _keep(store: ArtefactStore, digest: str, rows: pa.Table, joined: Joined) -> None:
    import pyarrow.parquet as pq

    scores = [name for name in _starting(rows, SCORE_COLUMN) if rows[name].null_count < len(rows)]
    told = rows.select([*KEPT, *scores, *_starting(rows, INPUT_COLUMN)])
    table = _without_empty(told.add_column(len(KEPT), "label", _labels(joined)))
    with store.draft(KIND) as draft:
        with draft.create(FILE) as file:
            pq.write_table(
                table, file, compression="zstd", store_schema=False, row_group_size=ROWS_PER_GROUP,
                use_dictionary=_repeating(table), write_statistics=False,
            )  # fmt: skip
        draft.keep(digest)


def _repeating(table: pa.Table) -> list[str]:
    """Name the columns that hold few values, each many times."""
    import pyarrow as pa

    few = (pa.types.is_dictionary, pa.types.is_integer, pa.types.is_boolean)
    return [one.name for one in table.schema if any(each(one.type) for each in few)]


def _starting(rows: pa.Table, beginning: str) -> Sequence[str]:
    return [name for name in rows.column_names if name.startswith(beginning)]


def _labels(joined: Joined) -> pa.Array:
    """Return labels as one type, as a table's column needs it: as text once one of them is a name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if joined.name.null_count == len(joined.name):
        return joined.number
    numbers = [None if number is None else level_text(number) for number in joined.number.to_pylist()]
    return pc.coalesce(joined.name, pa.array(numbers, pa.string()))


def _without_empty(table: pa.Table) -> pa.Table:
    """Return a table whose columns without any value are of no type."""
    import pyarrow as pa

    for place, name in enumerate(table.column_names):
        if table[name].null_count == len(table):
            table = table.set_column(place, name, pa.nulls(len(table)))
    return table
