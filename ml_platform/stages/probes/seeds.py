"""Seeds: how much of a result is the luck of the seed, by training the same learner with others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import SeedLoss
from ml_platform.policy.by_chance import NOTHING, draws_by_chance
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.probes.refit import is_whole, refit, settled, taught
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.loss_change_over_seeds import loss_change_over_seeds
from ml_platform.stats.mean_interval import mean_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_platform.stages.probes.subject import Subject

SEEDS = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reseeded:
    """The holdout scored by the model and by the same learner with other seeds, trained on equally many rows."""

    own: ScoredPart
    others: tuple[ScoredPart, ...]


def reseed(subject: Subject) -> Reseeded | str:
    """Train with three other seeds, and with the model's own where it had more rows; say why if that can't be done.

    Where nothing in the learner is drawn by chance every seed makes the same model: there are no others.
    """
    train = taught(subject)
    try:
        own = subject.holdout if is_whole(subject) else refit(subject, train)
        if not draws_by_chance(settled(subject).learner.parameters):
            return Reseeded(own=own, others=())
        return Reseeded(own=own, others=tuple(refit(subject, train, seed=seed + 1) for seed in range(SEEDS)))
    except DataInvalid as error:
        return str(error)


def measure_seeds(subject: Subject, found: Reseeded | str) -> Iterator[Measurement]:
    """Measure how much decisions or predictions change with the seed, and whether the model's own seed was a lucky one.

    Sources: Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks, MLSys; D'Amour et al.
    2022, Underspecification presents challenges for credibility in modern machine learning, JMLR 23.
    """
    n, changed = subject.holdout.target.size, _CHANGED[subject.spec.learner.task]
    if isinstance(found, str) or not found.others:
        reason = found if isinstance(found, str) else NOTHING
        yield Measurement(metric=changed, value=None, n=n, unit="share", reason=reason)
        yield Measurement(metric="seed_luck", value=None, n=n, unit="share", reason=reason)
        return
    facts = {"seeds": len(found.others), "trained_on": taught(subject).target.size}
    yield _with(_changes(subject, found, changed), changed, facts)
    losses = [losses_of(subject.spec, one) for one in found.others]
    luck = loss_change(losses_of(subject.spec, found.own), np.mean(losses, axis=0), entity=subject.holdout.entity)
    yield _with(luck, "seed_luck", facts)


def measure_gain(subject: Subject, found: Reseeded | str) -> Measurement:
    """Measure the candidate's loss against the champion's with an interval that holds what another seed would make."""
    rival, n = subject.rival, subject.holdout.target.size
    if isinstance(found, str) or rival is None:
        reason = found if isinstance(found, str) else "the champion has no scores that can be compared on all rows"
        return Measurement(metric="loss_change_over_seeds", value=None, n=n, unit="share", reason=reason)
    theirs = losses_of(subject.spec, subject.holdout, rival)
    parts = (found.own, *(found.others or [found.own]))
    means = [float(losses_of(subject.spec, part).mean()) for part in parts]
    own = losses_of(subject.spec, subject.holdout)
    return loss_change_over_seeds(own, theirs, of_seeds=means, entity=subject.holdout.entity)


_CHANGED = {
    "binary": "seed_flip_share", "multiclass": "seed_flip_share",
    "regression": "seed_change_share", "quantile": "seed_change_share",
}  # fmt: skip


def seed_losses(subject: Subject, found: Reseeded | str) -> tuple[SeedLoss, ...]:
    """Return the mean loss of each training, the model's own first, with intervals; none without other trainings."""
    if isinstance(found, str) or not found.others:
        return ()
    parts = (found.own, *found.others)
    means = [mean_interval(losses_of(subject.spec, part), entity=subject.holdout.entity) for part in parts]
    return tuple(
        SeedLoss(own=place == 0, loss=mean.value, low=mean.low, high=mean.high)
        for place, mean in enumerate(means)
        if mean.value is not None
    )


def _changes(subject: Subject, found: Reseeded, metric: str) -> Measurement:
    own, others, entity = found.own, found.others, subject.holdout.entity
    match subject.spec.learner.task:
        case "binary":
            return _flips([one.decision != own.decision for one in others], entity)
        case "multiclass":
            return _flips([one.score.argmax(axis=1) != own.score.argmax(axis=1) for one in others], entity)
        case "regression" | "quantile":
            error = float(np.abs(own.score - own.target).mean())
            if not error > 0:
                reason = "the model makes no error that a change could be compared with"
                return Measurement(metric=metric, value=None, n=own.target.size, unit="share", reason=reason)
            moved = np.mean([np.abs(one.score - own.score) for one in others], axis=0)
            return mean_interval(moved / error, entity=entity, unit="share")
        case task:
            assert_never(task)


def _flips(flipped: list[NDArray[np.bool_]], entity: NDArray[np.uint64] | None) -> Measurement:
    return mean_interval(np.mean(flipped, axis=0), entity=entity, unit="share")


def _with(found: Measurement, metric: str, facts: dict[str, int]) -> Measurement:
    return dataclasses.replace(found, metric=metric, facts={**found.facts, **facts})
