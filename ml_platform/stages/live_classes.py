"""Live classes: how several classes were told apart and decided in a window, and how much worse than at release."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.live_losses import measure_live_losses
from ml_platform.stats.class_accuracy import class_accuracy
from ml_platform.stats.macro_roc_auc import macro_roc_auc
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.recall import recall

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Floats = NDArray[np.float64]


def measure_live_classes(spec: ModelSpec, label: Floats, score: Floats, reference: Reference) -> Iterator[Measurement]:
    """Measure a window's labelled predictions, of all classes and of each.

    `label` holds places among the reference's classes, shape (n,), `score` their probabilities, shape (n, classes).
    """
    decided = score.argmax(axis=1)
    yield from measure_live_losses(spec, label, score, reference)
    yield dataclasses.replace(class_accuracy(label, decided), metric="live_accuracy")
    yield dataclasses.replace(macro_roc_auc(label, score), metric="live_macro_roc_auc")
    for code, name in enumerate(reference.classes):
        came = label == code
        yield dataclasses.replace(recall(came, decided == code, subject=name), metric="live_class_recall")
        yield mean_interval(score[:, code] - came, metric="live_class_bias", unit="share", subject=name)
