"""Explanations: all that a full evaluation asks of what moves the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.explained import Example
from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Dependence
from ml_platform.stages.probes.contributed import contributed
from ml_platform.stages.probes.dependence import measure_dependence
from ml_platform.stages.probes.examples import choose_examples
from ml_platform.stages.probes.stability import measure_stability
from ml_platform.stages.shown_values import ShownValues, shown_values

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanations:
    """What was measured of explanations, the curves of features and the example decisions."""

    measurements: tuple[Measurement, ...]
    dependence: tuple[Dependence, ...]
    examples: tuple[Example, ...]


def probe_explanations(subject: Subject) -> Explanations:
    """Ask whether explanations hold, move the strongest features, and choose decisions that show how it decides."""
    known, shown = contributed(subject), shown_of(subject)
    moved, dependence = measure_dependence(subject, known, shown)
    return Explanations(
        measurements=(*measure_stability(subject, known), *moved),
        dependence=dependence,
        examples=choose_examples(subject, shown),
    )


def shown_of(subject: Subject) -> ShownValues:
    """Return how the values of the subject's features may be shown."""
    return shown_values(
        subject.spec,
        levels=subject.levels,
        categorical=subject.features.categorical,
        lineage=subject.features.lineage,
        names=subject.features.names,
    )
