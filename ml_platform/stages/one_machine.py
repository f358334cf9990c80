"""One machine: how far what several workers learned is from what one machine learns of the same rows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.learners.engine import engine_of, shape_of, trained_on
from ml_platform.learners.lightgbm_native import Trained, fit, predict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.learners.rows import Rows
    from ml_platform.policy.spec import Compute, Learner

Floats = NDArray[np.float64]


def engine_measurements(
    learner: Learner, compute: Compute | None, trained: Trained, *, train: Rows, held: Floats, beginning: Trained
) -> Iterator[Measurement]:
    """Yield whether the declared engine trained, and how far it is from one machine; nothing for one machine.

    `held` are rows, shape (n, k), that neither learns from; `beginning` is the first rounds of the model again.
    """
    if compute is None or compute.engine == "local":
        return
    declared, found = shape_of(compute), trained_on(trained.text)
    yield Measurement(
        metric="engine_as_declared",
        value=float(declared == found),
        n=declared[0],
        unit="fact",
        facts={"engine": engine_of(compute), "workers": found[0], "threads_per_worker": found[1]},
    )
    yield one_machine_difference(learner, train, held, beginning)


def one_machine_difference(learner: Learner, train: Rows, held: Floats, beginning: Trained) -> Measurement:
    """Measure how far scores are from one machine's, as a part of how far every second row alone would bring them.

    Both distances are the mean absolute difference of scores, over all rows of `held` and all classes. 0 is the same;
    1 is as far as if half of the rows had been lost. None when half of the rows change nothing.
    """
    one = fit(learner, train, rounds=beginning.rounds)
    lost = fit(learner, _every_second(train), rounds=beginning.rounds)
    scores, others = predict(beginning.text, held), predict(one.text, held)
    distance = float(np.abs(scores - others).mean()) if held.size else 0.0
    yardstick = float(np.abs(predict(lost.text, held) - others).mean()) if held.size else 0.0
    return Measurement(
        metric="one_machine_difference",
        value=distance / yardstick if yardstick > 0 else None,
        n=len(held),
        unit="share",
        facts={
            "rounds": beginning.rounds,
            "mean_absolute_difference": distance,
            "largest_difference": float(np.abs(scores - others).max()) if held.size else 0.0,
            "mean_absolute_difference_of_half_the_rows": yardstick,
        },
    )


def _every_second(rows: Rows) -> Rows:
    weight = None if rows.weight is None else rows.weight[::2]
    return dataclasses.replace(rows, values=rows.values[::2], target=rows.target[::2], weight=weight)
