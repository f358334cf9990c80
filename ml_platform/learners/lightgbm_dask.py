"""LightGBM through its own Dask interface: rows on several workers, the same trees for the same number of workers."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.learners.dask_cluster import restart_survivors
from ml_platform.learners.dask_errors import workers_needed
from ml_platform.learners.lightgbm_native import (
    Trained,
    early_stopping,
    library,
    parameters_of,
    trained_of,
)
from ml_platform.learners.row_weights import class_weights, row_weights
from ml_platform.learners.rows import Rows, require_usable

if TYPE_CHECKING:
    from ml_platform.learners.dask_client import PinnedClient
    from ml_platform.policy.spec import Learner

Floats = NDArray[np.float64]

LAYOUT = "rows dealt in turn"
# In minutes: how long LightGBM's machines look for each other.
MEET_MINUTES = 2
# Where the workers happened to listen says nothing of the model, and would make every training's file another one.
_PLACES = re.compile(r"^\[(local_listen_port|machines): [^\]\n]*\]$", re.MULTILINE)


def fit_on(
    client: PinnedClient, learner: Learner, train: Rows, validation: Rows | None = None, *, rounds: int | None = None
) -> Trained:
    """Train as `lightgbm_native.fit` does, on the client's workers: row i lies on worker i modulo their number.

    Every worker holds all validation rows, so that all of them stop at the same round. Raises DataInvalid as `fit`
    does and when a worker would be left without rows; Unavailable when a worker is lost or LightGBM gives up.
    """
    lightgbm = library()
    _silence(lightgbm)
    workers = len(client.layout)
    if train.target.size < workers:
        seen = f"training rows: {train.target.size:,} for {workers:,} workers"
        raise DataInvalid(f"{seen}; each worker needs at least one; declare fewer in compute.workers")
    require_usable("training", train, learner, teach=True)
    parameters = parameters_of(learner, train)
    early, held = early_stopping(learner, validation, rounds=rounds)
    # A regressor whatever the task: it takes our codes as they are, where a classifier would number the classes that
    # a worker happens to see. The objective decides what is learned.
    model = lightgbm.DaskLGBMRegressor(
        client=client,
        n_estimators=rounds or learner.rounds,
        tree_learner="data",
        time_out=MEET_MINUTES,
        **{name: value for name, value in parameters.items() if name != "num_threads"},
    )
    with _clear_errors(client):
        asked = _taught(client, learner, train)
        if held is not None:
            stop = lightgbm.early_stopping(early, verbose=False)
            asked |= {**_watched(client, held, class_weights(learner, train)), "callbacks": [stop]}
        model.fit(feature_name=list(train.names), categorical_feature=list(train.categorical), **asked)
    said = {**parameters, "num_threads": client.threads, "tree_learner": "data", "num_machines": workers}
    text = _PLACES.sub(r"[\1: ]", model.booster_.model_to_string())
    curve = model.evals_result_.get("valid_0", {}) if held is not None else {}
    return trained_of(learner, train, text, curve, parameters=said)


def _taught(client: PinnedClient, learner: Learner, train: Rows) -> dict[str, Any]:
    weight = row_weights(train, class_weights(learner, train))
    return {
        "X": _dealt(client, train.values),
        "y": _dealt(client, train.target),
        "sample_weight": None if weight is None else _dealt(client, weight),
    }


def _watched(client: PinnedClient, held: Rows, by_class: Floats | None) -> dict[str, Any]:
    weight = row_weights(held, by_class)
    return {
        "eval_X": (_everywhere(client, held.values),),
        "eval_y": (_everywhere(client, held.target),),
        "eval_sample_weight": None if weight is None else [_everywhere(client, weight)],
    }


@contextlib.contextmanager
def _clear_errors(client: PinnedClient) -> Iterator[None]:
    """Raise Unavailable for what may happen to workers and to the network between them, and free the survivors."""
    from lightgbm.basic import LightGBMError

    try:
        with workers_needed("training"):
            yield
    except (LightGBMError, OSError) as error:
        restart_survivors(client)
        message = (
            f"training on Dask: LightGBM gave up ({error}); its workers have to reach each other on free ports, and "
            "nothing was stored; look at the network between them and run again"
        )
        raise Unavailable(message) from error
    except BaseException:
        restart_survivors(client)
        raise


def _silence(lightgbm: Any) -> None:  # noqa: ANN401
    """Have LightGBM's own words logged at a level that nobody asked for, instead of printed."""
    logger = logging.getLogger("ml_platform.lightgbm")
    logger.setLevel(logging.ERROR)
    lightgbm.register_logger(logger)


def _dealt(client: PinnedClient, values: Floats) -> Any:  # noqa: ANN401
    return _placed(client, [np.ascontiguousarray(values[place :: len(client.layout)]) for place in _places(client)])


def _everywhere(client: PinnedClient, values: Floats) -> Any:  # noqa: ANN401
    return _placed(client, [values for _ in _places(client)])


def _places(client: PinnedClient) -> range:
    return range(len(client.layout))


def _placed(client: PinnedClient, parts: list[Floats]) -> Any:  # noqa: ANN401
    """Return a Dask array whose n-th part lies on the layout's n-th worker."""
    import dask.array as da

    there = [
        client.scatter(part, workers=[worker], hash=False) for part, worker in zip(parts, client.layout, strict=True)
    ]
    pieces = [da.from_delayed(one, shape=part.shape, dtype=part.dtype) for one, part in zip(there, parts, strict=True)]
    return da.concatenate(pieces)
