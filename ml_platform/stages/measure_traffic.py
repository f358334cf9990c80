"""Measure traffic: how much came, how it was answered, how whole the log is, how late and how sound the labels are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.core.traffic import SUCCESS
from ml_platform.stats.share import share

if TYPE_CHECKING:
    import pyarrow as pa

    from ml_platform.stages.labels_of_window import Joined
    from ml_platform.stages.periods import Period
    from ml_platform.stages.served_once import Served

CLIENT_ERROR, SERVER_ERROR = 400, 500
LATENCIES = {"latency_p50_seconds": 0.5, "latency_p95_seconds": 0.95, "latency_p99_seconds": 0.99}
DAY = dt.timedelta(days=1)


def measure_traffic(period: Period, served: Served, joined: Joined, *, torn: int) -> Iterator[Measurement]:
    """Measure a window's predictions; `torn` counts the lines of its part of the log that can't be read any more."""
    rows = served.rows
    scored = rows["score"].is_valid().to_numpy()
    status = rows["status"].to_numpy()
    answered = status < SUCCESS
    flagged = (rows["unseen"].to_numpy() > 0) | (rows["beyond"].to_numpy() > 0)
    yield Measurement(metric="predictions", value=len(rows), n=len(rows), unit="rows")
    yield share(status >= SERVER_ERROR, metric="error_share")
    yield share((status >= CLIENT_ERROR) & (status < SERVER_ERROR), metric="refused_share")
    yield share(~scored[answered], metric="abstained_share")
    yield share(flagged[scored], metric="flagged_share")
    yield share(joined.known[scored], metric="label_share")
    yield from _latencies(rows["latency_seconds"].to_numpy()[scored])
    yield _part(torn, torn + len(rows), "torn_line_share", "nothing was logged")
    yield _part(served.contrary, len(rows) + served.contrary, "contrary_prediction_share", "nothing was logged")
    refused = sum(joined.left_out.values())
    came = int(joined.known.sum())
    yield _part(refused, refused + came, "label_left_out_share", "no labels have come", joined.left_out)
    yield _quiet(period, rows["event_time"].filter(answered))
    yield _delay(rows["event_time"].filter(joined.known), joined.at.filter(joined.known))


def _latencies(seconds: NDArray[np.float64]) -> Iterator[Measurement]:
    reason = "" if seconds.size else "nothing was scored"
    for metric, level in LATENCIES.items():
        value = float(np.quantile(seconds, level)) if seconds.size else None
        yield Measurement(metric=metric, value=value, n=len(seconds), unit="seconds", reason=reason)


def _part(count: int, among: int, metric: str, nothing: str, facts: Mapping[str, int] | None = None) -> Measurement:
    """Return a share that is counted, not estimated: it has no interval."""
    value, reason = (count / among, "") if among else (None, nothing)
    return Measurement(metric=metric, value=value, n=among, unit="share", reason=reason, facts=dict(facts or {}))


def _quiet(period: Period, answered: pa.ChunkedArray) -> Measurement:
    """Measure how much of the window's end went by without an answer."""
    import pyarrow.compute as pc

    if not len(answered):
        return Measurement(metric="quiet_share", value=None, n=0, unit="share", reason="nothing was answered")
    newest = pc.max(answered).as_py()
    value = (period.end - newest) / (period.end - period.start)
    facts = {"newest_prediction": newest.isoformat()}
    return Measurement(metric="quiet_share", value=value, n=len(answered), unit="share", facts=facts)


def _delay(events: pa.ChunkedArray, heard: pa.Array) -> Measurement:
    """Measure how long after the event outcomes become known, at the median; the newest is a fact."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(heard):
        return Measurement(metric="label_delay_days", value=None, n=0, unit="days", reason="no labels have come")
    late = heard.cast(pa.int64()).to_numpy() - events.cast(pa.int64()).to_numpy()
    days = np.maximum(late / (DAY / dt.timedelta(microseconds=1)), 0.0)
    facts = {"newest_label": pc.max(heard).as_py().isoformat()}
    return Measurement(metric="label_delay_days", value=float(np.median(days)), n=len(days), unit="days", facts=facts)
