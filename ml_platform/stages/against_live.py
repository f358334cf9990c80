"""Against live: what a candidate gains over the champion in every respect that counts, and in which slices it loses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.evaluation.compare import smallest_detectable
from ml_platform.stages.evaluation.paired import mean_gain
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.plain_slices import FEWEST, plain_slices
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.paired_share_difference import paired_share_difference
from ml_platform.stats.simultaneous import holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_platform.core.measurement import Fact
    from ml_platform.stages.plain_slices import Slice

GAIN, SLICE = "gain_over_champion", "slice_loss_against_champion"
CONFIDENCE = 0.95

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Entity = NDArray[np.uint64] | None
ColumnT = TypeVar("ColumnT")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """The rows that are new to the champion, scored by both; `champion_threshold` is None but of two classes."""

    spec: ModelSpec
    candidate: ScoredPart
    champion: Floats
    champion_threshold: float | None


def measure_against_live(
    duel: Duel, levels: Mapping[str, Sequence[str]], lineage: Mapping[str, Sequence[str]]
) -> Iterator[Measurement]:
    """Measure the gain over the champion, one subject per metric, then the loss against it in each slice.

    A gain is positive where the candidate is better, whichever way the metric points, and paired by row (whole
    entities where there are some): mean losses and costs by Student's interval, shares of right decisions by Bonett
    and Price's interval with McNemar's mid-p. Both decide as they would: each by its own threshold. Facts: candidate,
    champion (the metric of each), standard_error, p_value (two-sided), smallest_detectable (the gain that so many rows
    show four times out of five).
    """
    yield from _gains(duel)
    yield from measure_slices_against_live(duel, plain_slices(duel.spec, duel.candidate.matrix, levels, lineage))


def measure_slices_against_live(duel: Duel, slices: Sequence[Slice]) -> Iterator[Measurement]:
    """Measure the candidate's mean loss over the champion's, minus 1, in each slice.

    All intervals hold together (Bonferroni); the fact `p_holm` is what is left, after counting all slices, of the
    one-sided p-value that the candidate isn't worse there. Sources: Dunn 1961, J. Am. Stat. Assoc. 56; Holm 1979,
    Scand. J. Stat. 6.
    """
    if not slices:
        reason = f"no slice has {FEWEST} rows inside and as many outside"
        yield Measurement(metric=SLICE, value=None, n=duel.candidate.target.size, unit="share", reason=reason)
        return
    own, theirs = losses_of(duel.spec, duel.candidate), losses_of(duel.spec, duel.candidate, duel.champion)
    each = 1 - (1 - CONFIDENCE) / len(slices)
    found, chances = [], []
    for one in slices:
        entity = _of(duel.candidate.entity, one.rows)
        changed = loss_change(own[one.rows], theirs[one.rows], entity=entity, confidence=each, subject=one.name)
        units = changed.n if entity is None else np.unique(entity).size
        chance = _at_least(changed, units - 1)
        found.append(changed)
        chances.append(1.0 if chance is None else chance)
    for changed, left in zip(found, holm(chances), strict=True):
        facts: dict[str, Fact] = {**changed.facts, "p_holm": float(left), "slices_tested": len(slices)}
        yield dataclasses.replace(changed, metric=SLICE, facts=facts)


def _gains(duel: Duel) -> Iterator[Measurement]:
    rows = duel.candidate
    own, theirs = losses_of(duel.spec, rows), losses_of(duel.spec, rows, duel.champion)
    match duel.spec.learner.task:
        case "binary":
            yield _losses("log_loss", (own, theirs), rows.entity)
            yield _losses("brier", _each(duel, lambda score: np.square(score - rows.target)), rows.entity)
            yield from _decisions(duel)
        case "multiclass":
            yield _losses("multiclass_log_loss", (own, theirs), rows.entity)
            yield _hits("class_accuracy", _each(duel, lambda score: score.argmax(axis=1) == rows.target), rows.entity)
        case "regression":
            yield _losses("mean_absolute_error", _each(duel, lambda score: np.abs(score - rows.target)), rows.entity)
            yield _losses("mean_squared_error", _each(duel, lambda score: np.square(score - rows.target)), rows.entity)
        case "quantile":
            yield _losses("pinball_loss", (own, theirs), rows.entity)
        case task:
            assert_never(task)


def _decisions(duel: Duel) -> Iterator[Measurement]:
    """Compare decisions between two classes, and what they cost; nothing where the champion has no threshold."""
    if duel.champion_threshold is None:
        return
    rows, came = duel.candidate, duel.candidate.target == 1
    mine, theirs = rows.decision, duel.champion >= duel.champion_threshold
    yield _hits("accuracy", (mine == came, theirs == came), rows.entity)
    yield _hits("recall", (mine[came], theirs[came]), _of(rows.entity, came))
    yield _hits("specificity", (~mine[~came], ~theirs[~came]), _of(rows.entity, ~came))
    if duel.spec.deployment.costs is not None:
        costs = np.asarray(duel.spec.deployment.costs.matrix, dtype=np.float64)
        yield _losses("expected_cost", (costs[came * 1, mine * 1], costs[came * 1, theirs * 1]), rows.entity)


def _losses(name: str, both: tuple[Floats, Floats], entity: Entity) -> Measurement:
    """Compare mean losses: the champion's minus the candidate's."""
    own, theirs = both
    found = mean_gain(theirs - own, entity=entity, confidence=CONFIDENCE)
    below = _at_least(found, found.facts["freedom"])
    return _told(name, found, both, {"p_value": None if below is None else 2 * min(below, 1 - below)})


def _hits(name: str, both: tuple[Flags, Flags], entity: Entity) -> Measurement:
    """Compare how often each is right."""
    found = paired_share_difference(*both, entity=entity, confidence=CONFIDENCE)
    return _told(name, found, both, {"p_value": found.facts.get("p_value")})


def _told(
    name: str, found: Measurement, both: tuple[Floats | Flags, Floats | Flags], facts: Mapping[str, Fact]
) -> Measurement:
    own, theirs = (None if found.value is None else float(np.mean(one)) for one in both)
    told = {
        "candidate": own,
        "champion": theirs,
        "standard_error": found.facts.get("standard_error"),
        "smallest_detectable": smallest_detectable(found, CONFIDENCE),
        **facts,
    }
    return dataclasses.replace(found, metric=GAIN, unit="", subject=name, facts=told)


def _at_least(found: Measurement, freedom: Fact) -> float | None:
    """Return the chance of a value at least so high if there were no difference, by Student's t; None if unknown."""
    from scipy.special import stdtr

    error = found.facts.get("standard_error")
    if found.value is None or not isinstance(error, float) or not error > 0 or not isinstance(freedom, int):
        return None
    return float(stdtr(freedom, -found.value / error))


def _each(duel: Duel, of: Callable[[Floats], ColumnT]) -> tuple[ColumnT, ColumnT]:
    return of(duel.candidate.score), of(duel.champion)


def _of(entity: Entity, rows: Flags) -> Entity:
    return None if entity is None else entity[rows]
