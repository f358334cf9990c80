"""A table that doesn't change, dealt at random into 24 windows: no retraining, and no alarm beyond the contract."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.records import DeploymentRecord, EvidencePart, MonitoringRecord
from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.spec import ModelSpec, Monitoring
from ml_platform.stages.monitor import monitor_window
from ml_platform.stages.periods import Period, period_at
from ml_platform.stages.reference import Reference
from ml_platform.stages.retraining import Retrain, Stay, Watched, decide_retraining
from ml_platform.stages.window import collect_window
from ml_platform.stats.roc_auc import roc_auc
from ml_platform_tests.orchestration.small_model import load_small
from ml_platform_tests.stages.test_monitor import RELEASE
from ml_platform_tests.stages.told_traffic import told, words

WINDOWS, ROWS_OF_A_WINDOW, INPUTS = 24, 300, ("weight", "distance", "carrier")
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
LIVE = DeploymentRecord(
    model="parcels", environment="production", version=2, model_digest="g", evidence_digest="e", since=START, actor="x",
    reason="x",
)  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> GovernedModelFile:
    return load_small(tmp_path_factory.mktemp("stable"))


def table(rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Return parcels with the score that a model gives them, which knows all there is to know but for some noise."""
    weight, distance = rng.uniform(0, 60, count).round(2), rng.uniform(0, 2000, count).round(1)
    carrier = rng.choice(["land", "sea", "air"], count)
    logit = 0.08 * (weight - 35) + 0.001 * (distance - 1000) + np.where(carrier == "land", 1.0, -0.5)
    return pd.DataFrame(
        {
            "weight": weight, "distance": distance, "carrier": carrier, "region": rng.choice(["north", "south"], count),
            "late": rng.random(count) < 1 / (1 + np.exp(-logit)),
            "score": 1 / (1 + np.exp(-logit - rng.normal(0, 0.2, count))),
        }
    )  # fmt: skip


def released_on(rows: pd.DataFrame) -> Reference:
    late, score = rows["late"].to_numpy(dtype=np.float64), rows["score"]
    found = roc_auc(late, score.to_numpy())
    assert found.value is not None
    assert found.low is not None
    return Reference(
        rows=rows[list(INPUTS)], scores={"": score}, headline=found.value, standard_error=(found.value - found.low) / 2,
        outcomes=late, threshold=0.5,
    )  # fmt: skip


def periods() -> Iterator[Period]:
    found = period_at("month", START)
    for _ in range(WINDOWS + 1):
        yield found
        found = period_at("month", found.end)


def decisions(
    file: GovernedModelFile, folder: Path, rng: np.random.Generator
) -> tuple[list[Retrain | Stay], list[tuple[str, ...]]]:
    """Judge window after window as they come, and one more in which the opposite comes true."""
    spec: ModelSpec = file.spec
    assert isinstance(spec.monitoring, Monitoring)
    rows = table(rng, 2 * (WINDOWS + 1) * ROWS_OF_A_WINDOW)
    half = rng.permutation(len(rows)) % 2 == 0
    reference, served = released_on(rows[half]), rows[~half].reset_index(drop=True)
    live = dataclasses.replace(RELEASE, model="parcels")
    store, earlier = FileArtefacts(folder), list[MonitoringRecord]()
    decided, alarms = list[Retrain | Stay](), list[tuple[str, ...]]()
    for place, period in enumerate(periods()):
        part = served.iloc[place * ROWS_OF_A_WINDOW : (place + 1) * ROWS_OF_A_WINDOW]
        late = part["late"] != (place == WINDOWS)
        predictions = [_prediction(row, period, index) for index, row in enumerate(part.to_dict("records"))]
        labels = [
            Label(prediction_id=one.id, label=float(outcome), at=period.end)
            for one, outcome in zip(predictions, late, strict=True)
        ]
        window = collect_window(
            "parcels",
            "production",
            period,
            predictions=told(predictions),
            words=words(labels),
            store=store,
            now=period.end,
        ).record
        found = monitor_window(
            spec, store=store, window=window, period=period, live=live, reference=reference, earlier=earlier
        )
        conditions = conditions_of(spec, labels=True)
        verdicts = judge(file.policy, "monitoring", found.measurements, conditions=conditions, now=period.end)
        seen = EvidencePart(
            stage="monitoring", subject_digest=found.record.digest, policy_digest=file.policy.digest,
            conditions=tuple(sorted(conditions)), verdicts=verdicts, made_at=period.end,
        )  # fmt: skip
        decided.append(decide_retraining(spec.monitoring, Watched(window=found.record, part=seen, live=LIVE)))
        alarms.append(found.record.alarms)
        earlier.append(found.record)
    return decided, alarms


def _prediction(row: dict[Hashable, Any], period: Period, index: int) -> Prediction:
    at = period.start + dt.timedelta(minutes=index)
    return Prediction(
        id=f"{period.name}-{index:04}", at=at, event_time=at, model="parcels", environment="production", version=2,
        model_digest="g", status=200, score=row["score"], latency_seconds=0.001,
        inputs={name: row[name] for name in INPUTS},
    )  # fmt: skip


def test_random_halves_start_nothing_and_the_opposite_coming_true_does(file: GovernedModelFile, tmp_path: Path) -> None:
    decided, alarms = decisions(file, tmp_path, np.random.default_rng(1))
    assert [isinstance(one, Retrain) for one in decided] == [False] * WINDOWS + [True]
    assert all("live_auc_holds hold" in one.reason for one in decided[:WINDOWS])
    assert alarms[:WINDOWS] == [()] * WINDOWS  # two years, in each of which one may be false
    assert alarms[WINDOWS] != ()
