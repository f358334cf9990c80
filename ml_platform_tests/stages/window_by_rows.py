"""How a window was collected when it was read row by row: the oracle of what is now done in columns."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml_platform.core.measurement import Measurement
from ml_platform.core.traffic import Label, Outcome, Prediction
from ml_platform.stages.level_text import level_text
from ml_platform.stages.periods import Period
from ml_platform.stats.share import share

DAY = dt.timedelta(days=1)
LATENCIES = {"latency_p50_seconds": 0.5, "latency_p95_seconds": 0.95, "latency_p99_seconds": 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRows:
    """A window as it was collected row by row."""

    frame: pd.DataFrame
    facts: Mapping[str, int]
    versions: Mapping[str, int]
    measurements: Sequence[Measurement]


def by_rows(
    period: Period,
    predictions: Sequence[Prediction],
    labels: Mapping[str, Label],
    conflicting: Collection[str],
    now: dt.datetime,
    torn: int,
) -> ByRows:
    """Collect a window row by row; `predictions` in the order of their event and answer."""
    inside = [one for one in predictions if period.start <= one.event_time < period.end and not one.pair]
    served, repeated, contrary = served_once(inside)
    outcomes, left_out = join_labels(served, labels, now)
    return ByRows(
        frame=frame_of(served, outcomes),
        facts={
            "repeated_predictions": repeated, "contrary_predictions": contrary,
            "contradicted_labels": sum(name in outcomes for name in conflicting), **left_out,
        },
        versions={str(version): count for version, count in Counter(one.version for one in served).items()},
        measurements=list(measure(period, served, contrary, outcomes, left_out, labels, torn)),
    )  # fmt: skip


def served_once(predictions: Sequence[Prediction]) -> tuple[list[Prediction], int, int]:
    """Return each prediction once, by id; how many were repeated, and how many said something else."""
    found: dict[str, Prediction] = {}
    repeated = contrary = 0
    for one in predictions:
        known = found.get(one.id)
        if known is None:
            found[one.id] = one
            continue
        repeated += known == one
        contrary += known != one
        if one.at < known.at:
            found[one.id] = one
    return [found[key] for key in sorted(found)], repeated, contrary


def join_labels(
    served: Sequence[Prediction], labels: Mapping[str, Label], now: dt.datetime
) -> tuple[dict[str, Outcome], dict[str, int]]:
    """Return the outcomes by prediction id, and how many labels were left out, by reason."""
    outcomes: dict[str, Outcome] = {}
    left_out: Counter[str] = Counter()
    for one in served:
        label = labels.get(one.id)
        if label is None or one.abstained:
            continue
        if one.score is None:
            left_out["labels_of_refused_requests"] += 1
        elif label.at > now:
            left_out["labels_from_the_future"] += 1
        elif label.at < min(one.at, one.event_time):
            left_out["labels_known_before_the_prediction"] += 1
        else:
            outcomes[one.id] = label.label
    return outcomes, dict(left_out)


def frame_of(served: Sequence[Prediction], outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Return the window's table as it was kept."""
    names = ("id", "event_time", "version", "model_digest", "status", "score", "latency_seconds")
    columns: dict[str, list[object]] = {name: [getattr(one, name) for one in served] for name in names}
    columns["unseen"] = [len(one.unseen) for one in served]
    told = [outcomes.get(one.id) for one in served]
    named = any(isinstance(one, str) for one in told)
    columns["label"] = [None if one is None else level_text(one) for one in told] if named else list(told)
    for code in range(max((len(one.scores) for one in served), default=0)):
        columns[f"score_{code}"] = [one.scores[code] if code < len(one.scores) else None for one in served]
    for name in dict.fromkeys(name for one in served for name in one.inputs):
        columns[f"input_{name}"] = [one.inputs.get(name) for one in served]
    return pd.DataFrame(columns)


def measure(
    period: Period,
    served: Sequence[Prediction],
    contrary: int,
    outcomes: Mapping[str, Outcome],
    left_out: Mapping[str, int],
    labels: Mapping[str, Label],
    torn: int,
) -> Iterator[Measurement]:
    """Measure traffic as it was measured."""
    scored = [one for one in served if one.score is not None]
    status = np.array([one.status for one in served], dtype=np.int64)
    yield Measurement(metric="predictions", value=len(served), n=len(served), unit="rows")
    yield share(status >= 500, metric="error_share")
    yield share((status >= 400) & (status < 500), metric="refused_share")
    answered = [one for one in served if one.answered]
    yield share([one.abstained for one in answered], metric="abstained_share")
    yield share([bool(one.unseen or one.beyond) for one in scored], metric="flagged_share")
    yield share([one.id in outcomes for one in scored], metric="label_share")
    seconds = [one.latency_seconds for one in scored]
    for metric, level in LATENCIES.items():
        value = float(np.quantile(seconds, level)) if seconds else None
        reason = "" if seconds else "nothing was scored"
        yield Measurement(metric=metric, value=value, n=len(seconds), unit="seconds", reason=reason)
    yield _part(torn, torn + len(served), "torn_line_share", "nothing was logged")
    yield _part(contrary, len(served) + contrary, "contrary_prediction_share", "nothing was logged")
    refused = sum(left_out.values())
    yield _part(refused, refused + len(outcomes), "label_left_out_share", "no labels have come", left_out)
    yield _quiet(period, answered)
    known = [(one, labels[one.id].at) for one in scored if one.id in outcomes]
    days = [max((at - one.event_time) / DAY, 0.0) for one, at in known]
    yield Measurement(
        metric="label_delay_days", value=float(np.median(days)) if days else None, n=len(days), unit="days",
        reason="" if days else "no labels have come",
        facts={"newest_label": max(at for _, at in known).isoformat()} if days else {},
    )  # fmt: skip


def _part(count: int, among: int, metric: str, nothing: str, facts: Mapping[str, int] | None = None) -> Measurement:
    value, reason = (count / among, "") if among else (None, nothing)
    return Measurement(metric=metric, value=value, n=among, unit="share", reason=reason, facts=dict(facts or {}))


def _quiet(period: Period, answered: Sequence[Prediction]) -> Measurement:
    if not answered:
        return Measurement(metric="quiet_share", value=None, n=0, unit="share", reason="nothing was answered")
    newest = max(one.event_time for one in answered)
    value = (period.end - newest) / (period.end - period.start)
    facts = {"newest_prediction": newest.isoformat()}
    return Measurement(metric="quiet_share", value=value, n=len(answered), unit="share", facts=facts)
