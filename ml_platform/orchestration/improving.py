"""Improving: what is on record of a model, gathered from the shelf, the store and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.records import EvaluationRecord, MonitoringRecord
from ml_platform.orchestration.records import read_partitions, read_record

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.improvement import Improvement
    from ml_platform.policy.spec import ModelSpec


def improvement_of(platform: Platform, spec: ModelSpec, evaluation_digest: str = "") -> Improvement:
    """Return what would help a model; by default by its newest evaluation."""
    from ml_platform.stages.improve import improve, read_recorded

    newest = read_record(platform.home, (spec.model, "evaluation"), EvaluationRecord)
    recorded = read_recorded(
        platform.store,
        platform.ledger,
        model=spec.model,
        evaluation_digest=evaluation_digest or (newest.digest if newest else ""),
        windows=read_partitions(platform.home, (spec.model, "monitoring"), MonitoringRecord),
    )
    return improve(spec, recorded)
