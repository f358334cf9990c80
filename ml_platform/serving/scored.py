"""Scored: the rows of a request with what one version said of them, and how that is written down."""

from __future__ import annotations

import datetime as dt
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import cast

import msgspec

from ml_platform.core.errors import DataInvalid
from ml_platform.core.scoring import Score
from ml_platform.core.traffic import InputValue, Prediction, Route
from ml_platform.serving.contract_check import Checked
from ml_platform.serving.input_guard import Guarded
from ml_platform.serving.live import Live
from ml_platform.serving.refusal import Refused
from ml_platform.serving.request import Rows

OK = 200
FAILED = 500

log = logging.getLogger("ml_platform.serving")


class Scored(msgspec.Struct, frozen=True):
    """Rows scored by a version, None where its guard abstained.

    `pairs` names the predictions that the caller got instead, if it wasn't these.
    """

    live: Live
    rows: Rows
    checked: Checked
    ids: list[str]
    scores: list[Score | None]
    route: Route = "live"
    pairs: Sequence[str] = ()
    rollout: str = ""

    def written(self, latency_seconds: float, now: dt.datetime) -> list[Prediction]:
        """Return what is written down of each row."""
        manifest, logged = self.live.manifest, self.live.logged_columns
        sent = cast("list[dict[str, InputValue]]", self.rows)
        beyond = self.checked.guarded.beyond if self.checked.guarded else {}
        return [
            Prediction(
                id=given, at=now, event_time=event_time or now, model=manifest.model,
                environment=manifest.environment, version=manifest.version, model_digest=manifest.model_digest,
                status=OK, score=max(score) if isinstance(score, tuple) else score,
                scores=score if isinstance(score, tuple) else (), latency_seconds=latency_seconds,
                inputs=row if len(row) == len(logged) else {name: row[name] for name in logged},
                unseen=unseen, route=self.route, pair=pair,
                rollout="" if index else self.rollout, beyond=beyond.get(index, ()),
            )
            for index, (row, event_time, unseen, given, score, pair) in enumerate(zip(
                sent, self.checked.event_times, self.checked.unseen, self.ids, self.scores,
                self.pairs or repeat("", len(self.ids)), strict=True,
            ))
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failed:
    """Rows that a challenger gave no score for; `pairs` names the predictions that the caller got."""

    live: Live
    rows: Rows
    event_times: Sequence[dt.datetime | None]
    route: Route
    pairs: Sequence[str]
    rollout: str
    status: int

    def written(self, latency_seconds: float, now: dt.datetime) -> list[Prediction]:
        """Return what is written down of each row."""
        manifest, logged = self.live.manifest, self.live.logged_columns
        sent = cast("list[dict[str, InputValue]]", self.rows)
        return [
            Prediction(
                id=given, at=now, event_time=event_time or now, model=manifest.model,
                environment=manifest.environment, version=manifest.version, model_digest=manifest.model_digest,
                status=self.status, score=None, latency_seconds=latency_seconds,
                inputs={name: row[name] for name in logged if name in row}, route=self.route, pair=pair,
                rollout="" if index else self.rollout,
            )
            for index, (row, event_time, given, pair) in enumerate(zip(
                sent, self.event_times, new_ids(len(self.pairs)), self.pairs, strict=True
            ))
        ]  # fmt: skip


def challenged(
    live: Live,
    rows: Rows,
    event_times: Sequence[dt.datetime | None],
    *,
    route: Route,
    rollout: str,
    ids: list[str],
    pairs: Sequence[str] = (),
) -> Scored | Failed:
    """Return what a challenger says of rows that keep the champion's contract, whatever it does with them.

    When it fails, the caller gets the predictions `pairs`, or those that `ids` are then given to.
    """
    its_rows = [dict(row) for row in rows]
    try:
        checked = live.contract_check.check(its_rows)
        scores = scores_of(live, its_rows, checked.guarded)
    except Refused as refused:
        return Failed(live, rows, event_times, route, pairs or ids, rollout, refused.status)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever a challenger does, the champion answers
        # No traceback: it repeats the error's text, which may hold a value of the request
        log.error("the challenger v%s failed: %s", live.manifest.version, type(error).__name__)  # noqa: TRY400
        return Failed(live, rows, event_times, route, pairs or ids, rollout, FAILED)
    timed = Checked(list(event_times), checked.unseen, checked.guarded)
    return Scored(live, its_rows, timed, ids, scores, route, pairs, rollout)


def scores_of(live: Live, rows: Rows, guarded: Guarded | None = None) -> list[Score | None]:
    """Return a version's scores, None where its guard abstains; raises DataInvalid when one isn't a finite number."""
    silent = guarded.silent if guarded else frozenset()
    if silent:
        asked = iter(scores_of(live, [row for index, row in enumerate(rows) if index not in silent]))
        return [None if index in silent else next(asked) for index in range(len(rows))]
    scores = live.predictor.score_rows(rows)
    if not all(map(_is_finite, scores)):
        message = f"{live.manifest.model} version {live.manifest.version} gave a score that isn't a finite number"
        raise DataInvalid(message)
    return list(scores)


def new_ids(count: int) -> list[str]:
    """Return random ids (128 bits each, so that nobody can label a prediction that isn't theirs)."""
    random = os.urandom(16 * count).hex()
    return [random[start : start + 32] for start in range(0, 32 * count, 32)]


def _is_finite(score: Score) -> bool:
    return all(map(math.isfinite, score)) if isinstance(score, tuple) else math.isfinite(score)
