"""Traffic of rollouts, made as the log keeps it: who answered, how fast, with what score, and what came true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.core.traffic import Label, Prediction, Route

SINCE = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
CHAMPION, CHALLENGER = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """In what the challenger is worse: share of failures, factor of latency, power of scores, share of lies."""

    failures: float = 0.0
    slower: float = 1.0
    bent: float = 1.0
    lies: float = 0.0


def prediction(
    key: str,
    second: float,
    *,
    version: int = CHAMPION,
    route: Route = "live",
    pair: str = "",
    status: int = 200,
    score: float | None = 0.5,
    latency: float = 0.01,
    inputs: Mapping[str, str | None] | None = None,
    scores: tuple[float, ...] = (),
) -> Prediction:
    """Return one line of the log, so many seconds after the rollout began."""
    at = SINCE + dt.timedelta(seconds=second)
    return Prediction(
        id=key,
        at=at,
        event_time=at,
        model="late",
        environment="production",
        version=version,
        model_digest="f" * 64,
        status=status,
        score=score if status < 300 else None,
        latency_seconds=latency,
        inputs=inputs or {},
        scores=scores,
        route=route,
        pair=pair,
    )


def label(key: str, outcome: float | str = 1.0) -> Label:
    """Return the outcome of a prediction."""
    return Label(prediction_id=key, label=outcome, at=SINCE + dt.timedelta(days=1))


def canary(rows: int, weight: float, fault: Fault, *, seed: int) -> tuple[list[Prediction], dict[str, Label]]:
    """Return requests of which a share went to the challenger, and the outcomes of half of them."""
    rng = np.random.default_rng(seed)
    made, labels = [], {}
    for row, (chance, luck) in enumerate(rng.random((rows, 2))):
        ours = bool(rng.random() < weight)
        made.append(_answer(rng, str(row), row, "canary" if ours else "live", fault if ours else Fault(), chance))
        if row % 2:
            labels[str(row)] = label(str(row), float(luck < chance))
    return made, labels


def shadow(rows: int, fault: Fault, *, seed: int) -> tuple[list[Prediction], dict[str, Label]]:
    """Return requests that both answered, and the outcomes of half of them."""
    rng = np.random.default_rng(seed)
    made, labels = [], {}
    for row, (chance, luck) in enumerate(rng.random((rows, 2))):
        made.append(_answer(rng, str(row), row, "live", Fault(), chance))
        made.append(_answer(rng, f"s{row}", row, "shadow", fault, chance, pair=str(row)))
        if row % 2:
            labels[str(row)] = label(str(row), float(luck < chance))
    return made, labels


def _answer(
    rng: np.random.Generator, key: str, row: int, route: Route, fault: Fault, chance: float, *, pair: str = ""
) -> Prediction:
    return prediction(
        key,
        row,
        version=CHAMPION if route == "live" else CHALLENGER,
        route=route,
        pair=pair,
        status=500 if rng.random() < 0.002 + fault.failures else 200,
        score=float(1 - chance if rng.random() < fault.lies else chance**fault.bent),
        latency=float(rng.lognormal(-5, 0.5) * fault.slower),
    )
