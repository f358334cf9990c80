"""Promised rows: whatever the contract allows gives the same features, finite or missing."""

from __future__ import annotations

from ml_platform.stages.code_tests.bench import Bench
from ml_platform.stages.code_tests.checks.finite import infinite
from ml_platform.stages.code_tests.differ import names_differ


def promised_rows(bench: Bench) -> str:
    """Say what is wrong with the features of rows made from the contract: its ranges, levels and gaps."""
    found = bench.transform(bench.material.promised)
    return names_differ(tuple(bench.features), tuple(found)) or infinite(found)
