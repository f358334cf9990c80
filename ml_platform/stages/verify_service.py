"""Verify a running service with real requests: it is healthy, serves the candidate, scores as the model itself does."""

from __future__ import annotations

import contextlib
import http.client
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import numpy as np

from ml_platform.core.digest import short
from ml_platform.core.errors import Unavailable
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.scoring import Score, score_difference, score_of
from ml_platform.stages.bundle import Bundle, read_bundle
from ml_platform.stages.encode import encode_rows
from ml_platform.stages.ephemeral_service import ephemeral_service, headers_of, public_url
from ml_platform.stages.guarded_rows import scored_rows

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import ModelRecord

REQUEST_SECONDS = 30.0
TIMED_REQUESTS = 200
BATCH = 500
CLIENT_ERROR = 4

Row = Mapping[str, object]

__all__ = ["ephemeral_service", "own_scores", "verify_service"]


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: dict[str, object]


class _Client:
    """One keep-alive connection; a lost one is opened again by the next request."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._url = public_url(url)
        self._headers = headers_of(url)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=REQUEST_SECONDS)

    def get(self, path: str) -> _Reply:
        return self._send("GET", path, None)

    def post(self, body: bytes) -> _Reply:
        return self._send("POST", "/invocations", body)

    def _send(self, method: str, path: str, body: bytes | None) -> _Reply:
        try:
            self._connection.request(method, path, body, self._headers)
            reply = self._connection.getresponse()
            content = msgspec.json.decode(reply.read())
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            self._connection.close()
            message = f"{self._url}{path}: no usable answer ({type(error).__name__}: {error}); is the service running?"
            raise Unavailable(message) from error
        return _Reply(reply.status, content if isinstance(content, dict) else {})

    def close(self) -> None:
        self._connection.close()


def verify_service(
    url: str, *, store: ArtefactStore, model: ModelRecord, rows: Sequence[Row]
) -> tuple[Measurement, ...]:
    """Measure a running service over HTTP against the model's own output on `rows` (which keep the contract).

    Rows that the model's guard doesn't let be scored are left out.

    A service that can't be reached gives undefined measurements with the reason, never an exception.
    """
    bundle = read_bundle(store, model.digest)
    rows = scored_rows(bundle, rows)
    # Before the first request: on a busy machine it takes longer than a service keeps an idle connection open.
    expected = own_scores(bundle, rows)
    with contextlib.closing(_Client(url)) as client:
        return (
            _tried("service_healthy", _healthy, client),
            _tried("service_serves_candidate", _serves, client, bundle),
            _tried("service_scores_equal", _scores_equal, client, bundle, rows, expected),
            _tried("service_refuses_bad_input", _refuses_bad_input, client, bundle, rows),
            _tried("service_latency_p99_seconds", _latency, client, rows),
        )


def _tried(metric: str, measure: Callable[..., Measurement], *arguments: object) -> Measurement:
    try:
        return measure(metric, *arguments)
    except Unavailable as error:
        return Measurement(metric=metric, value=None, n=0, reason=str(error))


def _healthy(metric: str, client: _Client) -> Measurement:
    reply = client.get("/health")
    said = str(reply.body.get("status"))
    holds = reply.status == http.HTTPStatus.OK and said == "ok"
    facts: dict[str, Fact] = {
        "http_status": reply.status,
        "said": said,
        "problems": str(reply.body.get("problems", "")),
    }
    return Measurement(metric=metric, value=float(holds), n=1, facts=facts)


def _serves(metric: str, client: _Client, bundle: Bundle) -> Measurement:
    reply = client.get("/version")
    served = str(reply.body.get("model_digest", ""))
    facts = {"served": short(served), "candidate": short(bundle.digest), "version": str(reply.body.get("version"))}
    return Measurement(metric=metric, value=float(served == bundle.digest), n=1, facts=facts)


def _scores_equal(
    metric: str, client: _Client, bundle: Bundle, rows: Sequence[Row], expected: Sequence[Score]
) -> Measurement:
    """Compare three ways of asking; JSON numbers are the shortest that read back as the same bits."""
    if not rows:
        return Measurement(metric=metric, value=None, n=0, reason="there were no rows to score")
    ways = {
        "records": _asked(client, bundle, rows, _records),
        "split": _asked(client, bundle, rows, _split),
        "one by one": [score for row in rows[:BATCH] for score in _asked(client, bundle, [row], _records)],
    }
    for way, scores in ways.items():
        if len(scores) != len(expected[: BATCH if way == "one by one" else None]):
            reason = f"asked by {way}, {len(rows)} rows got {len(scores)} scores"
            return Measurement(metric=metric, value=None, n=len(rows), reason=reason)
    differences = [
        score_difference(score, own) for scores in ways.values() for score, own in zip(scores, expected, strict=False)
    ]
    return Measurement(metric=metric, value=max(differences), n=len(rows), facts={"comparisons": len(differences)})


def own_scores(bundle: Bundle, rows: Sequence[Row]) -> list[Score]:
    """Return what the model itself says of rows: its own features, `Booster.predict`, its calibration."""
    if not rows:
        return []
    from ml_platform.learners.scorer import Scorer

    columns = bundle.transform(encode_rows(bundle.contract.inputs, bundle.features.levels, rows), bundle.features.state)
    matrix = np.column_stack([columns[name] for name in bundle.contract.feature_names])
    return list(map(score_of, Scorer(bundle.model_text.decode(), bundle.calibration).score(matrix).tolist()))


def _asked(
    client: _Client, bundle: Bundle, rows: Sequence[Row], body_of: Callable[[Sequence[Row]], bytes]
) -> list[Score]:
    scores: list[Score] = []
    for start in range(0, len(rows), BATCH):
        reply = client.post(body_of(rows[start : start + BATCH]))
        given = reply.body.get("predictions")
        if reply.status != http.HTTPStatus.OK or not isinstance(given, list):
            message = f"rows that keep the contract were answered {reply.status}: {reply.body.get('message', '')}"
            raise Unavailable(message)
        scores += [_score_said(bundle, one) for one in given]
    return scores


def _score_said(bundle: Bundle, said: object) -> Score:
    """Return the score in an answer; of several classes their probabilities, if the likeliest is what was decided."""
    if isinstance(said, int | float):
        return float(said)
    probabilities = said.get("probabilities") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(probabilities, dict):
        return math.nan
    found = tuple(probabilities.get(name, math.nan) for name in bundle.contract.classes)
    decided = said.get("class")
    known = decided in bundle.contract.classes and found[bundle.contract.classes.index(decided)] == max(found)
    return found if known else math.nan


def _records(rows: Sequence[Row]) -> bytes:
    return msgspec.json.encode({"dataframe_records": rows})


def _split(rows: Sequence[Row]) -> bytes:
    names = list(rows[0])
    data = [[row[name] for name in names] for row in rows]
    return msgspec.json.encode({"dataframe_split": {"columns": names, "data": data}})


def _refuses_bad_input(metric: str, client: _Client, bundle: Bundle, rows: Sequence[Row]) -> Measurement:
    if not rows:
        return Measurement(metric=metric, value=None, n=0, reason="there was no row to spoil")
    tried = {name: client.post(body).status for name, body in _spoiled(bundle, rows[0]).items()}
    answered = [name for name, status in tried.items() if status // 100 != CLIENT_ERROR]
    facts = {name.replace(" ", "_"): status for name, status in tried.items()}
    return Measurement(metric=metric, value=float(not answered), n=len(tried), facts=facts)


def _spoiled(bundle: Bundle, row: Row) -> dict[str, bytes]:
    """Return bodies that have to be refused, each spoiled in one way."""
    first = bundle.contract.inputs[0].name
    numbers = [column.name for column in bundle.contract.inputs if column.type in {"integer", "number"}]
    good = _records([row])
    bodies = {
        "broken JSON": good[:-1],
        "no rows": _records([]),
        "missing column": _records([{name: value for name, value in row.items() if name != first}]),
        "unknown column": _records([{**row, "no such column": 1}]),
        "a list as value": _records([{**row, first: [1]}]),
    }
    for name in numbers[:1]:
        bodies["string in a number"] = _records([{**row, name: "12"}])
        bodies["NaN"] = _records([{**row, name: "@"}]).replace(b'"@"', b"NaN")
    return bodies


def _latency(metric: str, client: _Client, rows: Sequence[Row]) -> Measurement:
    if not rows:
        return Measurement(metric=metric, value=None, n=0, unit="seconds", reason="there was no row to score")
    taken = []
    for index in range(TIMED_REQUESTS):
        body = _records([rows[index % len(rows)]])
        before = time.perf_counter()
        reply = client.post(body)
        taken.append(time.perf_counter() - before)
        if reply.status != http.HTTPStatus.OK:
            reason = f"a row that keeps the contract was answered {reply.status}"
            return Measurement(metric=metric, value=None, n=index + 1, unit="seconds", reason=reason)
    taken.sort()
    p99 = taken[math.ceil(0.99 * len(taken)) - 1]
    facts = {"p50_seconds": taken[len(taken) // 2], "slowest_seconds": taken[-1]}
    return Measurement(metric=metric, value=p99, n=len(taken), unit="seconds", facts=facts)
