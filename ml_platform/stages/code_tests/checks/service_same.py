"""Service same: rows encoded as the scoring service does give what the same rows give in training."""

from __future__ import annotations

from ml_platform.stages.code_tests.bench import Bench
from ml_platform.stages.code_tests.differ import features_differ


def service_same(bench: Bench) -> str:
    """Say which features differ between training and serving."""
    return features_differ(bench.features, bench.transform(bench.material.requests))
