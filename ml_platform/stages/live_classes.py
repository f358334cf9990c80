"""Live classes: how several classes were told apart and decided in a window, and how much worse than at release."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.live_losses import measure_live_losses
from ml_platform.stats.class_accuracy import class_accuracy
from ml_platform.stats.macro_roc_auc import macro_roc_auc
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.recall import recall
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
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
    ranking = macro_roc_auc(label, score)
    yield dataclasses.replace(ranking, metric="live_macro_roc_auc")
    yield live_ranking_change(ranking, reference)
    for code, name in enumerate(reference.classes):
        came = label == code
        yield dataclasses.replace(recall(came, decided == code, subject=name), metric="live_class_recall")
        yield mean_interval(score[:, code] - came, metric="live_class_bias", unit="share", subject=name)


def live_ranking_change(now: Measurement, reference: Reference) -> Measurement:
    """Measure the window's mean AUC of the classes minus the holdout's at release, with the uncertainty of both.

    The two are independent samples; bounds of the difference come by squaring and adding.
    """
    metric, then = "live_macro_roc_auc_change", reference.ranking
    if now.value is None or then is None or then.value is None:
        reason = now.reason or "the release has no mean AUC of the classes on its holdout to compare with"
        return Measurement(metric=metric, value=None, n=now.n, reason=reason)
    low, high = bounds_of_difference(now, then)
    facts = {"macro_roc_auc": now.value, "macro_roc_auc_at_release": then.value}
    return dataclasses.replace(now, metric=metric, value=now.value - then.value, low=low, high=high, facts=facts)
