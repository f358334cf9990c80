"""Probe: try out with a model what a full evaluation asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Probes
from ml_platform.stages.probes.moves import measure_moves
from ml_platform.stages.probes.weak_slices import measure_weak_slices

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What was measured, and what there is to draw."""

    measurements: tuple[Measurement, ...] = ()
    probes: Probes


def probe(subject: Subject) -> Probed:
    """Run every probe on a model; each is seeded by the learner's seed."""
    measurements = (*measure_weak_slices(subject), *measure_moves(subject))
    return Probed(measurements=measurements, probes=Probes())
