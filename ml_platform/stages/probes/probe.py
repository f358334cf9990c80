"""Probe: try out with a model what a full evaluation asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Probes
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.probes.chance import measure_chance
from ml_platform.stages.probes.degradation import measure_degradation
from ml_platform.stages.probes.explanations import probe_explanations
from ml_platform.stages.probes.learning_curve import learning_curve
from ml_platform.stages.probes.moves import measure_moves
from ml_platform.stages.probes.seeds import measure_gain, measure_seeds, reseed, seed_losses
from ml_platform.stages.probes.unusual_inputs import measure_unusual_inputs
from ml_platform.stages.probes.weak_slices import measure_weak_slices

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject


MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What was measured, and what there is to draw."""

    measurements: tuple[Measurement, ...] = ()
    probes: Probes


def probe(subject: Subject, *, champion: bool = False) -> Probed:
    """Run every probe on a model, with the learner's seed; what trains is measured on up to 10,000 holdout rows.

    `champion` says that another version is live, whether or not its scores can be compared.
    """
    robustness = (
        *measure_weak_slices(subject),
        *measure_degradation(subject),
        *measure_moves(subject),
        *measure_unusual_inputs(subject),
    )
    subject = subject.fewer(MOST_ROWS)
    seeds = reseed(subject)
    gain = (measure_gain(subject, seeds),) if champion else ()
    own = subject.holdout if isinstance(seeds, str) else seeds.own
    curved = learning_curve(subject, losses_of(subject.spec, own))
    explained = probe_explanations(subject)
    return Probed(
        measurements=(
            *measure_seeds(subject, seeds),
            *gain,
            *curved.measurements,
            measure_chance(subject),
            *explained.measurements,
            *robustness,
        ),
        probes=Probes(
            seeds=seed_losses(subject, seeds),
            learning_curve=curved.curve,
            dependence=explained.dependence,
            examples=explained.examples,
        ),
    )
