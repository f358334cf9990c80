"""Performance: how well scores and decisions do on rows that the model never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.accuracy import accuracy
from ml_platform.stats.average_precision import average_precision
from ml_platform.stats.balanced_accuracy import balanced_accuracy
from ml_platform.stats.brier import brier
from ml_platform.stats.calibration_intercept import calibration_intercept
from ml_platform.stats.calibration_slope import calibration_slope
from ml_platform.stats.expected_calibration_error import expected_calibration_error
from ml_platform.stats.f1 import f1
from ml_platform.stats.generalisation_gap import generalisation_gap
from ml_platform.stats.lift import lift
from ml_platform.stats.log_loss import log_loss
from ml_platform.stats.precision import precision
from ml_platform.stats.recall import recall
from ml_platform.stats.roc_auc import roc_auc

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.stages.scored_part import ScoredPart


def measure_performance(holdout: ScoredPart, train: ScoredPart) -> tuple[Measurement, ...]:
    """Measure ranking, probabilities, decisions, and how much of the ranking is only on the training rows."""
    rows, entity = (holdout.target, holdout.score), holdout.entity
    decisions = (holdout.target, holdout.decision)
    return (
        *(statistic(*rows, entity=entity) for statistic in (roc_auc, average_precision, log_loss, brier)),
        expected_calibration_error(*rows, entity=entity),
        *(statistic(*rows, entity=entity) for statistic in (calibration_slope, calibration_intercept, lift)),
        *(statistic(*decisions, entity=entity) for statistic in (accuracy, balanced_accuracy, recall, precision, f1)),
        generalisation_gap(
            train.target,
            train.score,
            *rows,
            train_entity=train.entity,
            holdout_entity=entity,
        ),
    )
