"""Collect a window of traffic: the predictions served in it, joined with the labels that have come."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.measured import Measured
from ml_platform.core.records import WindowRecord
from ml_platform.stages.labels_of_window import join_labels, served_once
from ml_platform.stages.level_text import level_text
from ml_platform.stages.measure_traffic import SERVER_ERROR, measure_traffic

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.traffic import Label, Outcome, Prediction
    from ml_platform.stages.labels_of_window import Joined, Served
    from ml_platform.stages.periods import Period

KIND = "windows"
FILE = "traffic.parquet"


def collect_window(
    model: str,
    environment: str,
    period: Period,
    *,
    predictions: Iterable[Prediction],
    labels: Mapping[str, Label],
    store: ArtefactStore,
    now: dt.datetime,
    conflicting: Collection[str] = (),
    torn: int = 0,
) -> Measured[WindowRecord]:
    """Keep the predictions of a period with their labels as one immutable table, and measure the traffic.

    A prediction is counted once by its id, however often the log repeats it. `labels` maps prediction ids to labels,
    `conflicting` holds the ids that a later label contradicted; a label of another window's prediction is left alone.
    Made again of the same traffic and labels it is the same, by its digest.
    """
    served = served_once(one for one in predictions if period.start <= one.event_time < period.end)
    joined = join_labels(served.predictions, labels, conflicting, now)
    digest = _digest(served, joined)
    unchanged = store.has(KIND, digest)
    if not unchanged:
        _keep(store, digest, served.predictions, joined.outcomes)
    record = WindowRecord(
        model=model,
        environment=environment,
        window=period.name,
        digest=digest,
        predictions=len(served.predictions),
        labelled=len(joined.outcomes),
        errors=sum(one.status >= SERVER_ERROR for one in served.predictions),
        versions=_by_version(served.predictions),
        facts={
            "repeated_predictions": served.repeated,
            "contrary_predictions": served.contrary,
            "contradicted_labels": joined.contradicted,
            **joined.left_out,
        },
    )
    measured = measure_traffic(period, served, joined, labels=labels, torn=torn)
    return Measured(record=record, measurements=tuple(measured), unchanged=unchanged)


def read_window(store: ArtefactStore, record: WindowRecord) -> pd.DataFrame:
    """Return a window's table: id, event_time, version, model_digest, status, score, latency, label, inputs.

    Of several classes `score` is the largest probability and `score_0`, `score_1` … hold each; labels are names.
    """
    import pandas as pd

    with store.open(KIND, record.digest, FILE) as file:
        return pd.read_parquet(file)


def _by_version(served: Sequence[Prediction]) -> dict[str, int]:
    return {str(version): count for version, count in sorted(Counter(one.version for one in served).items())}


def _digest(served: Served, joined: Joined) -> str:
    encode = msgspec.json.Encoder().encode
    content = hashlib.sha256(encode((served.contrary, joined.contradicted, joined.left_out)))
    for one in served.predictions:
        content.update(encode((one, joined.outcomes.get(one.id))))
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
