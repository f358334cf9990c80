"""A shipped model whose author forgot to say that a column is known only afterwards, and made it a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.policy.judge import judge
from ml_platform.policy.spec import ModelSpec, Role
from ml_platform_tests.stages.code import written

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.resolve import Policy


def forgotten(spec: ModelSpec, column: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """Return the model with the column as an ordinary feature, handed on by its features module."""
    code = (
        f"import {spec.features} as shipped\n"
        "fit = getattr(shipped, 'fit', None)\n"
        "def transform(columns, state):\n"
        f"    return {{**shipped.transform(columns, state), '{column}': columns['{column}']}}\n"
    )
    said = spec.contract[column].model_copy(update={"role": Role.FEATURE, "known": "before"})
    changes = {"contract": {**spec.contract, column: said}, "features": written(code, folder, monkeypatch)}
    return spec.model_copy(update=changes)


def refused(policy: Policy, measurements: Sequence[Measurement], now: dt.datetime) -> list[tuple[str, str]]:
    """Name the gates of the features' values that don't open, each with the feature that decided it."""
    verdicts = judge(policy, "features", measurements, conditions=frozenset({"always"}), now=now)
    return [
        (each.gate, each.worst.subject if each.worst else "")
        for each in verdicts
        if not each.outcome.opens and each.control != "CODE-TESTED"
    ]
