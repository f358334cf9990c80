"""Collect a window of traffic: the predictions served in it, joined with the labels that have come."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import WindowRecord
from ml_platform.stages.level_text import level_text

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.traffic import Outcome, Prediction

KIND = "windows"
FILE = "traffic.parquet"
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A named stretch of event time: `start` belongs to it, `end` doesn't."""

    name: str
    start: dt.datetime
    end: dt.datetime


def month(name: str) -> Period:
    """Return the period of a month given as `2013-06`; raises DataInvalid for anything else.

    >>> month("2013-12").end.isoformat()
    '2014-01-01T00:00:00+00:00'
    """
    try:
        start = dt.datetime.strptime(name, "%Y-%m").replace(tzinfo=dt.UTC)
    except ValueError:
        message = f"the month {name!r} can't be read: a month is written like 2013-06; write year, dash, month"
        raise DataInvalid(message) from None
    end = (start + dt.timedelta(days=32)).replace(day=1)
    return Period(name=start.strftime("%Y-%m"), start=start, end=end)


def collect_window(
    model: str,
    environment: str,
    period: Period,
    *,
    predictions: Iterable[Prediction],
    labels: Mapping[str, Outcome],
    store: ArtefactStore,
) -> Measured[WindowRecord]:
    """Keep the predictions of a period with their labels as one immutable table, and measure the traffic.

    A prediction is counted once by its id, however often the log repeats it. `labels` maps prediction ids to
    outcomes; a label of another window's prediction is left alone.
    """
    unique = {one.id: one for one in predictions if period.start <= one.event_time < period.end}
    served = [unique[key] for key in sorted(unique)]
    joined = {one.id: labels[one.id] for one in served if one.id in labels}
    digest = _digest(served, joined)
    if not store.has(KIND, digest):
        _keep(store, digest, served, joined)
    record = WindowRecord(
        model=model,
        environment=environment,
        window=period.name,
        digest=digest,
        predictions=len(served),
        labelled=len(joined),
        errors=sum(one.status >= SERVER_ERROR for one in served),
        versions={str(version): count for version, count in sorted(Counter(one.version for one in served).items())},
    )
    return Measured(record=record, measurements=tuple(_measure(served, joined)))


def read_window(store: ArtefactStore, record: WindowRecord) -> pd.DataFrame:
    """Return a window's table: id, event_time, version, model_digest, status, score, latency, label, inputs.

    Of several classes `score` is the largest probability and `score_0`, `score_1` … hold each; labels are names.
    """
    import pandas as pd

    with store.open(KIND, record.digest, FILE) as file:
        return pd.read_parquet(file)


def _digest(served: Sequence[Prediction], joined: Mapping[str, Outcome]) -> str:
    content = hashlib.sha256()
    for one in served:
        content.update(msgspec.json.encode((one, joined.get(one.id))))
    return content.hexdigest()


def _keep(store: ArtefactStore, digest: str, served: Sequence[Prediction], joined: Mapping[str, Outcome]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[object]] = {
        "id": [one.id for one in served],
        "event_time": [one.event_time for one in served],
        "version": [one.version for one in served],
        "model_digest": [one.model_digest for one in served],
        "status": [one.status for one in served],
        "score": [one.score for one in served],
        "latency_seconds": [one.latency_seconds for one in served],
        "unseen": [len(one.unseen) for one in served],
        "label": _labels([joined.get(one.id) for one in served]),
    }
    for code in range(max((len(one.scores) for one in served), default=0)):
        columns[f"score_{code}"] = [one.scores[code] if code < len(one.scores) else None for one in served]
    names = dict.fromkeys(name for one in served for name in one.inputs)
    columns |= {f"input_{name}": [one.inputs.get(name) for one in served] for name in names}
    with store.draft(KIND) as draft:
        with draft.create(FILE) as file:
            pq.write_table(pa.table(columns), file, compression="zstd")
        draft.keep(digest)


def _labels(joined: Sequence[Outcome | None]) -> list[object]:
    """Return labels as one type, as a table's column needs it: as text once one of them is a name."""
    if any(isinstance(one, str) for one in joined):
        return [None if one is None else level_text(one) for one in joined]
    return list(joined)


def _measure(served: Sequence[Prediction], joined: Mapping[str, Outcome]) -> Iterable[Measurement]:
    import numpy as np

    from ml_platform.stats.share import share

    n = len(served)
    yield Measurement(metric="predictions", value=n, n=n, unit="rows")
    yield share([one.status >= SERVER_ERROR for one in served], metric="error_share")
    scored = [one for one in served if one.score is not None]
    yield share([one.id in joined for one in scored], metric="label_share")
    latencies = [one.latency_seconds for one in scored]
    p99 = float(np.quantile(latencies, 0.99)) if latencies else None
    reason = "" if latencies else "nothing was scored"
    yield Measurement(metric="latency_p99_seconds", value=p99, n=len(latencies), unit="seconds", reason=reason)
