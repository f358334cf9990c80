"""Answer: the way of one scoring request from its body to its logged predictions."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import cast

import msgspec
from msgspec.structs import asdict

from ml_platform.adapters.traffic_log import TrafficLog, Written
from ml_platform.core.errors import Unavailable
from ml_platform.core.gate import Admitted
from ml_platform.core.traffic import Prediction
from ml_platform.serving.challenger import Canary, Shadow
from ml_platform.serving.contract_check import Checked
from ml_platform.serving.gates import OPEN
from ml_platform.serving.input_guard import Guarded
from ml_platform.serving.live import Live
from ml_platform.serving.mirror import Mirrored
from ml_platform.serving.refusal import Problem, Refused, turned_away
from ml_platform.serving.request import Rows
from ml_platform.serving.scored import Failed, Scored, challenged, new_ids, scores_of

# How a body becomes rows that keep the contract; it raises Refused with every problem.
Read = Callable[[Live, bytes], tuple[Rows, Checked]]


class Classed(msgspec.Struct, frozen=True, rename={"decided": "class"}):
    """The prediction of one row among several classes: the likeliest, and the probability of each by name."""

    decided: str
    probabilities: dict[str, float]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON body of an answer: MLflow's `predictions`, and who said so."""

    predictions: Sequence[float | Classed | None]
    prediction_ids: list[str]
    model: str
    version: int
    model_digest: str


class GuardedAnswer(Answer, frozen=True, kw_only=True):
    """An answer of which the model's guard says something; the prediction of a row that it abstained for is None."""

    flagged: tuple[Problem, ...]
    abstained: tuple[Problem, ...]


class Answered(msgspec.Struct, frozen=True):
    """An answer with what was scored: the rows, and by row the columns whose level is new; wait for `written` first.

    `live` is the version that answered.
    """

    answer: Answer
    unseen: list[tuple[str, ...]]
    rows: Rows
    live: Live
    written: Written = None
    guarded: Guarded | None = None


def answer(
    live: Live, log: TrafficLog, body: bytes, started: float, *, admitted: Admitted = OPEN, read: Read = Live.read
) -> Answered:
    """Parse, check, score and log; raises Refused when the request or the log doesn't allow an answer.

    `started` is `time.perf_counter()` at the request's head. The log is written before the answer is given: what
    can't be written down isn't answered. What is tried beside the live version answers its share, or is handed the
    request afterwards; when it fails, the live version answers.
    """
    rows, checked = read(live, body)
    away = admitted.spend(len(rows))
    if away is not None:
        raise turned_away(away)
    ids = new_ids(len(rows))
    beside, failed = live.beside, None
    if isinstance(beside, Canary) and beside.takes(rows, ids[0]):
        tried = _tried(beside, rows, checked, ids)
        if isinstance(tried, Scored):
            return _told(tried, _log(log, tried.written(time.perf_counter() - started, dt.datetime.now(dt.UTC))))
        failed = tried
    drawn = beside.rollout.rollout_id if beside else ""
    shadowed = isinstance(beside, Shadow)
    began = time.thread_time() if shadowed else 0.0
    scored = Scored(live, rows, checked, ids, scores_of(live, rows, checked.guarded), rollout=drawn)
    scoring = time.thread_time() - began if shadowed else 0.0
    latency, now = time.perf_counter() - started, dt.datetime.now(dt.UTC)
    written = _log(log, [*scored.written(latency, now), *(failed.written(latency, now) if failed else ())])
    if isinstance(beside, Shadow):
        times, rest = checked.event_times, max(latency - scoring, 0.0)
        beside.mirror.later(Mirrored(rows=rows, ids=ids, event_times=times, at=now, rest_seconds=rest), log.folder)
    return _told(scored, written)


def _tried(canary: Canary, rows: Rows, checked: Checked, ids: list[str]) -> Scored | Failed:
    drawn = canary.rollout.rollout_id
    tried = challenged(canary.live, rows, checked.event_times, route="canary", rollout=drawn, ids=ids)
    if isinstance(tried, Scored):
        canary.tally.canary += len(ids)
    else:
        canary.tally.fallbacks += len(ids)
    return tried


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
        for given in new_ids(count)
    ]  # fmt: skip
    try:
        log.append(failed)
    except Unavailable:
        return


def _told(scored: Scored, written: Written) -> Answered:
    manifest, guarded = scored.live.manifest, scored.checked.guarded
    said = Answer(
        predictions=_in_words(scored),
        prediction_ids=scored.ids,
        model=manifest.model,
        version=manifest.version,
        model_digest=manifest.model_digest,
    )
    if guarded is not None:
        said = _guarded(said, guarded)
    if scored.live.outliers is not None:
        scored.live.outliers.later(scored.rows)
    return Answered(said, scored.checked.unseen, scored.rows, scored.live, written, guarded)


def _guarded(said: Answer, guarded: Guarded) -> GuardedAnswer:
    return GuardedAnswer(**asdict(said), flagged=guarded.flagged, abstained=guarded.abstained)


def _in_words(scored: Scored) -> Sequence[float | Classed | None]:
    names = scored.live.predictor.contract.classes
    if not names:
        return cast("list[float | None]", scored.scores)
    scores = cast("list[tuple[float, ...] | None]", scored.scores)
    return [None if score is None else _classed(score, names) for score in scores]


def _classed(score: tuple[float, ...], names: Sequence[str]) -> Classed:
    return Classed(names[score.index(max(score))], dict(zip(names, score, strict=True)))


def unlogged() -> Refused:
    """Return that the log can't be written, as a refusal."""
    message = "the prediction log can't be written, so nothing is answered (see /health); send again later"
    return Refused(503, "TEMPORARILY_UNAVAILABLE", message, retry_after_seconds=1)


def _log(log: TrafficLog, predictions: Sequence[Prediction]) -> Written:
    try:
        return log.append(predictions)
    except Unavailable as error:
        raise unlogged() from error
