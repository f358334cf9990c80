"""Tune the toy model in a process of its own, to be killed: `python -m ml_platform_tests.stages.tuning_toy HOME`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ml_platform.adapters.journals import FileJournals
from ml_platform.core.measured import Measured
from ml_platform.core.records import TuningRecord
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.tune import tune
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.toy import stored, toy_spec

SPACE = {
    "learning_rate": {"low": 0.02, "high": 0.5, "log": True},
    "num_leaves": {"low": 3, "high": 15},
    "extra_trees": {"choices": [True, False]},
}


def tuned_spec(*, trials: int = 8, **changes: Any) -> ModelSpec:
    said = {"trials": trials, "seed": 11, "folds": 2, "space": SPACE, **changes}
    return toy_spec(tuning=said)


def tune_toy(home: Path, spec: ModelSpec | None = None, **changes: Any) -> Measured[TuningRecord]:
    store, spec = FakeStore(home), spec or tuned_spec()
    features, _ = stored(store, spec)
    return tune(spec, store=store, journals=FileJournals(home), features=features, **changes)


if __name__ == "__main__":
    tune_toy(Path(sys.argv[1]), say=lambda line: print(line, flush=True))  # noqa: T201
