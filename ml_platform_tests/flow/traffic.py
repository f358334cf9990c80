"""Traffic that means harm: a month of predictions whose scores say nothing, with their outcomes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.core.records import DeploymentRecord
from ml_platform.core.traffic import Prediction
from ml_platform_tests.orchestration.small_model import rows


def serve_badly(home: Path, live: DeploymentRecord, month: str, *, kilograms: float = 1.0) -> None:
    """Log a month of predictions of the live version whose scores say nothing, with the labels of all but the last.

    That one is called `<month>-late`. Weights come in a unit of which so many are a kilogram.
    """
    frame = rows(seed=11)
    frame = frame[frame["sent"].dt.strftime("%Y-%m") == month].head(500)
    frame = frame.assign(weight=frame["weight"] * kilograms)
    scores = np.random.default_rng(5).uniform(0.2, 0.6, len(frame))
    names = [*(f"{month}-{index}" for index in range(len(frame) - 1)), f"{month}-late"]
    log = TrafficLog(traffic_folder(home, "production", live.model), keys=FileKeys(home))
    log.append(
        [
            Prediction(
                id=names[index], at=row["sent"].to_pydatetime(), event_time=row["sent"].to_pydatetime(),
                model=live.model, environment="production", version=live.version, model_digest=live.model_digest,
                status=200, score=float(scores[index]), latency_seconds=0.001,
                inputs={name: row[name] for name in ("weight", "distance", "carrier")},
            )
            for index, (_, row) in enumerate(frame.iterrows())
        ]
    )  # fmt: skip
    log.close()
    known = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    LabelStore(home).append(
        live.model, [(name, float(late), known) for name, late in zip(names[:-1], frame["late"][:-1], strict=True)]
    )
