"""Rollout traffic: what the log holds of a challenger and its champion, as arrays in the order in which it came."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ml_platform.core.traffic import Label, Outcome, Prediction
    from ml_platform.stages.bounded_losses import BoundedLoss

    Pair = tuple[Prediction, Prediction]  # the challenger's, the champion's

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Latencies and scores of the champion from before the trial: they tell what is usual from its first request on."""

    latency: Floats
    score: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Requests of which each was answered by one of the two, shape (n,), in the order in which they were answered.

    `failed` is 1 where the request wasn't answered; `score` is NaN there, and where a guard abstained. `outcome_loss`
    and `outcome_ours` are of the requests whose outcome has come, shape (m,), in the order in which the outcomes came;
    losses lie in 0 to 1. `past` is what the champion answered before.
    """

    ours: Flags
    weight: float
    failed: Floats
    latency: Floats
    score: Floats
    outcome_loss: Floats
    outcome_ours: Flags
    past: Past


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Requests that both answered: first the challenger's, then the champion's values, each of shape (n,).

    `live` counts the champion's requests, answered by the challenger too or not yet; `past` is what it answered before.
    """

    live: int
    failed: tuple[Floats, Floats]
    latency: tuple[Floats, Floats]
    score: tuple[Floats, Floats]
    outcome_loss: tuple[Floats, Floats]
    past: Past


def arms_of(
    predictions: Iterable[Prediction],
    labels: Mapping[str, Label],
    *,
    versions: tuple[int, int],
    weight: float,
    loss: BoundedLoss,
    key: str = "",
    before: Iterable[Prediction] = (),
) -> Arms:
    """Return a canary's requests; `versions` are challenger and champion, `labels` is in the order in which they came.

    What is live answered in place of a canary that failed isn't the champion's: the lot had fallen on the challenger.
    With `key` only the first request of each of that input's values counts, as those that follow aren't drawn anew.
    `before` are predictions from before the trial, of which those of the champion tell what is usual.
    """
    wanted = {versions[0]: "canary", versions[1]: "live"}
    unique = {one.id: one for one in predictions if wanted.get(one.version) == one.route}
    replaced = {one.pair for one in unique.values() if one.pair}
    drawn = [one for one in _ordered(unique.values()) if one.id not in replaced]
    drawn = _first_of_each(drawn, key) if key else drawn
    by_id = {one.id: one for one in drawn if _scored(one)}
    known = [(by_id[label.prediction_id], label.label) for label in labels.values() if label.prediction_id in by_id]
    lost = loss([one for one, _ in known], [outcome for _, outcome in known])
    told = np.isfinite(lost)
    return Arms(
        ours=_challengers(drawn),
        weight=weight,
        failed=_failed(drawn),
        latency=_latency(drawn),
        score=_score(drawn),
        outcome_loss=lost[told],
        outcome_ours=_challengers([one for one, _ in known])[told],
        past=_past(before, versions[1]),
    )


def pairs_of(
    predictions: Iterable[Prediction],
    labels: Mapping[str, Label],
    *,
    versions: tuple[int, int],
    loss: BoundedLoss,
    before: Iterable[Prediction] = (),
) -> Pairs:
    """Return a shadow's requests; the arguments are those of `arms_of`.

    A label that names either prediction of a pair is an outcome of both.
    """
    every = {one.id: one for one in predictions if one.version in versions}
    champion = {key: one for key, one in every.items() if one.version == versions[1] and one.route == "live"}
    shadows = {one.pair: one for one in every.values() if one.version == versions[0] and one.route == "shadow"}
    both = [(shadows[one.id], one) for one in _ordered(champion.values()) if one.id in shadows]
    ours, theirs = [one for one, _ in both], [one for _, one in both]
    known = _first_outcomes(both, labels)
    said = [outcome for _, outcome in known]
    lost = [loss([pair[place] for pair, _ in known], said) for place in (0, 1)]
    told = np.isfinite(lost[0]) & np.isfinite(lost[1])
    return Pairs(
        live=len(champion),
        failed=(_failed(ours), _failed(theirs)),
        latency=(_latency(ours), _latency(theirs)),
        score=(_score(ours), _score(theirs)),
        outcome_loss=(lost[0][told], lost[1][told]),
        past=_past(before, versions[1]),
    )


def _past(before: Iterable[Prediction], champion: int) -> Past:
    rows = _ordered(one for one in before if one.version == champion and one.route == "live" and _scored(one))
    return Past(latency=_latency(rows), score=_score(rows))


def _first_outcomes(both: Iterable[Pair], labels: Mapping[str, Label]) -> list[tuple[Pair, Outcome]]:
    """Return the pairs with scores whose outcome has come, each once, in the order of the outcomes."""
    by_id = {one.id: pair for pair in both if all(map(_scored, pair)) for one in pair}
    found: dict[str, tuple[Pair, Outcome]] = {}
    for label in labels.values():
        pair = by_id.get(label.prediction_id)
        if pair is not None:
            found.setdefault(pair[1].id, (pair, label.label))
    return list(found.values())


def _ordered(predictions: Iterable[Prediction]) -> list[Prediction]:
    return sorted(predictions, key=lambda one: (one.at, one.id))


def _first_of_each(ordered: Iterable[Prediction], key: str) -> list[Prediction]:
    """Return the first request of each value of an input; one without a value is drawn for itself."""
    first: dict[object, Prediction] = {}
    for one in ordered:
        value = one.inputs.get(key)
        first.setdefault(("", one.id) if value is None else ("key", value), one)
    return list(first.values())


def _scored(one: Prediction) -> bool:
    return one.answered and one.score is not None


def _challengers(rows: Sequence[Prediction]) -> Flags:
    return np.array([one.route == "canary" for one in rows], dtype=np.bool_)


def _failed(rows: Sequence[Prediction]) -> Floats:
    return np.array([not one.answered for one in rows], dtype=np.float64)


def _latency(rows: Sequence[Prediction]) -> Floats:
    return np.array([one.latency_seconds for one in rows], dtype=np.float64)


def _score(rows: Sequence[Prediction]) -> Floats:
    return np.array([one.score if _scored(one) else math.nan for one in rows], dtype=np.float64)
