"""Measure traffic: how much came, how it was answered, how whole the log is, how late and how sound the labels are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.core.traffic import Label, Prediction
    from ml_platform.stages.labels_of_window import Joined, Served
    from ml_platform.stages.periods import Period

CLIENT_ERROR, SERVER_ERROR = 400, 500
LATENCIES = {"latency_p50_seconds": 0.5, "latency_p95_seconds": 0.95, "latency_p99_seconds": 0.99}
DAY = dt.timedelta(days=1)


def measure_traffic(
    period: Period, served: Served, joined: Joined, *, labels: Mapping[str, Label], torn: int
) -> Iterator[Measurement]:
    """Measure a window's predictions; `torn` counts the lines of its part of the log that can't be read any more."""
    every = served.predictions
    scored = [one for one in every if one.score is not None]
    status = np.array([one.status for one in every], dtype=np.int64)
    yield Measurement(metric="predictions", value=len(every), n=len(every), unit="rows")
    yield share(status >= SERVER_ERROR, metric="error_share")
    yield share((status >= CLIENT_ERROR) & (status < SERVER_ERROR), metric="refused_share")
    answered = [one for one in every if one.answered]
    yield share([one.abstained for one in answered], metric="abstained_share")
    yield share([bool(one.unseen or one.beyond) for one in scored], metric="flagged_share")
    yield share([one.id in joined.outcomes for one in scored], metric="label_share")
    yield from _latencies([one.latency_seconds for one in scored])
    yield _part(torn, torn + len(every), "torn_line_share", "nothing was logged")
    yield _part(served.contrary, len(every) + served.contrary, "contrary_prediction_share", "nothing was logged")
    refused = sum(joined.left_out.values())
    yield _part(refused, refused + len(joined.outcomes), "label_left_out_share", "no labels have come", joined.left_out)
    yield _quiet(period, answered)
    yield _delay(scored, joined, labels)


def _latencies(seconds: Sequence[float]) -> Iterator[Measurement]:
    reason = "" if seconds else "nothing was scored"
    for metric, level in LATENCIES.items():
        value = float(np.quantile(seconds, level)) if seconds else None
        yield Measurement(metric=metric, value=value, n=len(seconds), unit="seconds", reason=reason)


def _part(count: int, among: int, metric: str, nothing: str, facts: Mapping[str, int] | None = None) -> Measurement:
    """Return a share that is counted, not estimated: it has no interval."""
    value, reason = (count / among, "") if among else (None, nothing)
    return Measurement(metric=metric, value=value, n=among, unit="share", reason=reason, facts=dict(facts or {}))


def _quiet(period: Period, answered: Sequence[Prediction]) -> Measurement:
    """Measure how much of the window's end went by without an answer."""
    if not answered:
        return Measurement(metric="quiet_share", value=None, n=0, unit="share", reason="nothing was answered")
    newest = max(one.event_time for one in answered)
    value = (period.end - newest) / (period.end - period.start)
    facts = {"newest_prediction": newest.isoformat()}
    return Measurement(metric="quiet_share", value=value, n=len(answered), unit="share", facts=facts)


def _delay(scored: Sequence[Prediction], joined: Joined, labels: Mapping[str, Label]) -> Measurement:
    """Measure how long after the event outcomes become known, at the median; the newest is a fact."""
    known = [(one, labels[one.id].at) for one in scored if one.id in joined.outcomes]
    if not known:
        return Measurement(metric="label_delay_days", value=None, n=0, unit="days", reason="no labels have come")
    days = [max((at - one.event_time) / DAY, 0.0) for one, at in known]
    facts = {"newest_label": max(at for _, at in known).isoformat()}
    return Measurement(metric="label_delay_days", value=float(np.median(days)), n=len(days), unit="days", facts=facts)
