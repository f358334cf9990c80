"""A version on trial without a service: how it begins, and what the log would hold of it."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np

from ml_platform.adapters.platform import Platform
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.rollout import RolloutRecord
from ml_platform.core.traffic import Prediction
from ml_platform.orchestration.rollout_way import rules_digest
from ml_platform.policy.strategy import Canary

RULES = Canary(
    kind="canary", weight=0.5, least_requests=100, error_margin=0.9, latency_margin=1.0, score_margin=0.9,
    loss_margin=0.9, false_decisions=0.2, most_days=2,
)  # fmt: skip
MANUAL = "deployment: {production: manual}"
TRIED = f"deployment: {{production: manual, strategy: {RULES.model_dump_json(exclude_none=True)}}}"


def begin(
    platform: Platform, champion: ReleaseRecord, challenger: ReleaseRecord, *, since: dt.datetime
) -> RolloutRecord:
    """Let a version be tried beside another that is live, by `RULES`."""
    return platform.ledger.begin_rollout(
        RolloutRecord(
            rollout_id="r1", model=champion.model, environment="production", strategy="canary", weight=0.5,
            champion=champion.version, champion_digest=champion.candidate.model_digest, version=challenger.version,
            model_digest=challenger.candidate.model_digest, evidence_digest=challenger.evidence_digest,
            rules_digest=rules_digest(RULES), since=since, actor="rita", reason="faster",
        ),
        approvals=(),
    )  # fmt: skip


def serve(platform: Platform, rollout: RolloutRecord, count: int, *, fails: bool) -> None:
    """Write down what a service does whose canary always fails, or is like its champion."""
    model = rollout.model
    latency = np.random.default_rng(5).lognormal(-7.0, 0.5, count)
    log = TrafficLog(traffic_folder(platform.home, "production", model), keys=platform.keys)
    for index in range(count):
        at = rollout.since + dt.timedelta(seconds=index + 1)
        live = Prediction(
            id=f"live {index}", at=at, event_time=at, model=model, environment="production", version=rollout.champion,
            model_digest=rollout.champion_digest, status=200, score=index % 97 / 97,
            latency_seconds=float(latency[index]), rollout=rollout.rollout_id,
        )  # fmt: skip
        ours = dataclasses.replace(
            live, id=f"canary {index}", version=rollout.version, model_digest=rollout.model_digest, route="canary"
        )
        taken = rollout.takes(live.id)
        if fails and taken:
            log.append([live, dataclasses.replace(ours, status=500, score=None, pair=live.id)])
        else:
            log.append([ours if taken else live])
    log.close()
