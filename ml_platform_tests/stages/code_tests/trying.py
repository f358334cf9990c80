"""Features modules written for a test, and what the platform's tests say of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.code_tests import CodeTest, Tried
from ml_platform.stages.code_tests.material import Material
from ml_platform.stages.code_tests.promised import promised_columns
from ml_platform.stages.code_tests.run_checks import run_checks
from ml_platform_tests.stages.parcels import parcel_spec

if TYPE_CHECKING:
    from ml_platform.stages.encode import Columns
    from ml_platform.stages.features_module import FeaturesModule

LEVELS = {"site": ["north", "south", "west"], "carrier": ["dx", "hm", "up"]}
GOOD = """\
import numpy as np

def fit(columns):
    return {"mean": float(np.nanmean(columns["weight"])), "names": ["a", "b"]}

def transform(columns, state):
    return {"weight": columns["weight"], "site": columns["site"], "heavier": columns["weight"] - state["mean"]}
"""


def material(rows: int = 60) -> Material:
    """Return encoded parcels."""
    training = _columns(rows)
    return Material(
        training=training,
        rows=training,
        requests=training,
        promised=promised_columns(
            parcel_spec(Path(__file__)),
            LEVELS,
            training,
            rng=np.random.default_rng(5),
        ),
        levels={name: len(levels) for name, levels in LEVELS.items()},
    )


def _columns(rows: int) -> Columns:
    rng = np.random.default_rng(4)
    return {
        "sent": 1.7e9 + np.arange(rows) * 3600.0,
        "weight": rng.gamma(2, 3, rows),
        "pieces": rng.integers(1, 9, rows).astype(float),
        "site": rng.integers(0, 3, rows).astype(float),
        "carrier": rng.integers(0, 3, rows).astype(float),
        "express": rng.integers(0, 2, rows).astype(float),
    }


def outcomes(module: FeaturesModule, *, seconds: float = 5.0) -> dict[str, CodeTest]:
    """Try the module in this process."""
    return {test.name: test for test in run_checks(module, material(), seconds=seconds)}


def failed(found: dict[str, CodeTest]) -> set[str]:
    """Return the names of the tests that failed."""
    return {name for name, test in found.items() if test.outcome is Tried.FAILED}


def transform_of(body: str, *, head: str = "") -> str:
    """Return a module whose `transform` has this body."""
    return f"import numpy as np\n{head}\ndef transform(columns, state):\n    w = columns['weight']\n    {body}\n"


def write_module(folder: Path, code: str, name: str = "features") -> Path:
    """Write a module's file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(code)
    return path
