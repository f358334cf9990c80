"""Answer: the way of one scoring request from its body to its logged predictions."""

from __future__ import annotations

import datetime as dt
import math
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from ml_platform.adapters.traffic_log import TrafficLog, Written
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.gate import Admitted
from ml_platform.core.scoring import Score
from ml_platform.core.traffic import InputValue, Prediction
from ml_platform.serving.contract_check import Checked
from ml_platform.serving.gates import OPEN
from ml_platform.serving.live import Live
from ml_platform.serving.refusal import Refused, turned_away
from ml_platform.serving.request import Rows

OK = 200
# How a body becomes rows that keep the contract; it raises Refused with every problem.
Read = Callable[[Live, bytes], tuple[Rows, Checked]]


class Classed(msgspec.Struct, frozen=True, rename={"decided": "class"}):
    """The prediction of one row among several classes: the likeliest, and the probability of each by name."""

    decided: str
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The JSON body of an answer: MLflow's `predictions`, and who said so."""

    predictions: list[float | Classed]
    prediction_ids: list[str]
    model: str
    version: int
    model_digest: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with what was scored: the rows, and by row the columns whose level is new; wait for `written` first."""

    answer: Answer
    unseen: list[tuple[str, ...]]
    rows: Rows
    written: Written = None


def answer(
    live: Live, log: TrafficLog, body: bytes, started: float, *, admitted: Admitted = OPEN, read: Read = Live.read
) -> Answered:
    """Parse, check, score and log; raises Refused when the request or the log doesn't allow an answer.

    `started` is `time.perf_counter()` at the request's head. The log is written before the answer is given: what
    can't be written down isn't answered.
    """
    rows, checked = read(live, body)
    away = admitted.spend(len(rows))
    if away is not None:
        raise turned_away(away)
    scores = _scores(live, rows)
    ids = _ids(len(rows))
    written = _log(log, _predictions(live, rows, checked, zip(ids, scores, strict=True), time.perf_counter() - started))
    manifest = live.manifest
    said = Answer(
        predictions=[_told(live, score) for score in scores],
        prediction_ids=ids,
        model=manifest.model,
        version=manifest.version,
        model_digest=manifest.model_digest,
    )
    return Answered(said, checked.unseen, rows, written)


def log_failure(live: Live, log: TrafficLog, status: int, started: float, *, count: int = 1) -> None:
    """Write down that a request, or `count` rows of one, got no scores; /health says when the log can't be written."""
    now = dt.datetime.now(dt.UTC)
    manifest = live.manifest
    failed = [
        Prediction(
            id=given, at=now, event_time=now, model=manifest.model, environment=manifest.environment,
            version=manifest.version, model_digest=manifest.model_digest, status=status, score=None,
            latency_seconds=time.perf_counter() - started,
        )
        for given in _ids(count)
    ]  # fmt: skip
    try:
        log.append(failed)
    except Unavailable:
        return


def _told(live: Live, score: Score) -> float | Classed:
    if not isinstance(score, tuple):
        return score
    names = live.predictor.contract.classes
    return Classed(names[score.index(max(score))], dict(zip(names, score, strict=True)))


def _scores(live: Live, rows: Rows) -> list[Score]:
    scores = live.predictor.score_rows(rows)
    if not all(map(_is_finite, scores)):
        message = f"{live.manifest.model} version {live.manifest.version} gave a score that isn't a finite number"
        raise DataInvalid(message)
    return scores


def _is_finite(score: Score) -> bool:
    return all(map(math.isfinite, score)) if isinstance(score, tuple) else math.isfinite(score)


def unlogged() -> Refused:
    """Return that the log can't be written, as a refusal."""
    message = "the prediction log can't be written, so nothing is answered (see /health); send again later"
    return Refused(503, "TEMPORARILY_UNAVAILABLE", message, retry_after_seconds=1)


def _log(log: TrafficLog, predictions: Sequence[Prediction]) -> Written:
    try:
        return log.append(predictions)
    except Unavailable as error:
        raise unlogged() from error


def _predictions(
    live: Live, rows: Rows, checked: Checked, scored: Iterable[tuple[str, Score]], latency: float
) -> list[Prediction]:
    now = dt.datetime.now(dt.UTC)
    manifest = live.manifest
    logged = live.logged_columns
    sent = cast("list[dict[str, InputValue]]", rows)
    return [
        Prediction(
            id=given, at=now, event_time=event_time or now, model=manifest.model, environment=manifest.environment,
            version=manifest.version, model_digest=manifest.model_digest, status=OK,
            score=max(score) if isinstance(score, tuple) else score,
            scores=score if isinstance(score, tuple) else (), latency_seconds=latency,
            inputs={name: row[name] for name in logged}, unseen=unseen,
        )
        for row, event_time, unseen, (given, score) in zip(
            sent, checked.event_times, checked.unseen, scored, strict=True
        )
    ]  # fmt: skip


def _ids(count: int) -> list[str]:
    """Return random ids (128 bits each, so that nobody can label a prediction that isn't theirs)."""
    random = secrets.token_hex(16 * count)
    return [random[start : start + 32] for start in range(0, 32 * count, 32)]
