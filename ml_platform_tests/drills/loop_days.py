"""Days on which nothing changes: what a released version answers to rows of its own world, with their outcomes."""

from __future__ import annotations

import datetime as dt
from typing import cast

import pandas as pd

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.core.traffic import Prediction
from ml_platform.serving.predictor import Predictor
from ml_platform.settings import load_settings
from ml_platform_tests.drills.loop_table import INPUTS, RELEASED, TURNED, table
from ml_platform_tests.flow.project import MODEL

SEEDS = (21, 22)  # two tables' worth of rows a day
PER_DAY_CHANGES = ("monitoring:\n    start", "monitoring:\n    window: day\n    start")


def serve_days(count: int) -> list[str]:
    """Log what the live version answers on so many days after its release, with the outcomes; return the days."""
    ends = RELEASED + dt.timedelta(days=count)
    frame = pd.concat([table(until=TURNED, seed=seed) for seed in SEEDS])
    frame = frame[(frame["sent"] >= RELEASED) & (frame["sent"] < ends)].reset_index(drop=True)
    asked = [dict(zip(INPUTS, row, strict=True)) for row in frame[list(INPUTS)].itertuples(index=False)]
    settings = load_settings()
    with open_platform(settings) as platform:
        live = platform.ledger.live(MODEL, "production")
        assert live is not None
        scores = [cast("float", one) for one in Predictor.load(platform.store, live.model_digest).score_rows(asked)]
    answers = [
        Prediction(
            id=f"{at:%Y-%m-%d}/{number}", at=at, event_time=at, model=MODEL, environment="production",
            version=live.version, model_digest=live.model_digest, status=200, score=score, latency_seconds=0.001,
            inputs=row,
        )
        for number, (at, row, score) in enumerate(zip(frame["sent"].dt.to_pydatetime(), asked, scores, strict=True))
    ]  # fmt: skip
    log = TrafficLog(traffic_folder(settings.home, "production", MODEL), keys=FileKeys(settings.home))
    log.append(answers)
    log.close()
    LabelStore(settings.home).append(
        MODEL, [(one.id, float(late), TURNED) for one, late in zip(answers, frame["late"], strict=True)]
    )  # fmt: skip
    return sorted({f"{one.at:%Y-%m-%d}" for one in answers})
