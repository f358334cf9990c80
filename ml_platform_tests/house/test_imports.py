"""What an import may cost: a heavy library is loaded by the one who uses it, when it is used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("mlflow", "lightgbm", "sklearn", "scipy.stats", "matplotlib", "fairlearn", "statsmodels")
LOADED = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"


def loaded_by(module: str) -> set[str]:
    command = [sys.executable, "-c", LOADED, module]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("ml_platform", ("dagster", "pydantic", "numpy")),
        ("ml_platform.core", ("dagster", "pydantic", "numpy", "msgspec")),
        ("ml_platform.policy", (*HEAVY, "dagster", "pandas")),
        ("ml_platform.cli", (*HEAVY, "dagster", "pandas", "pandera")),
        ("ml_platform.serving.app", (*HEAVY, "dagster", "pandas", "pandera")),
        ("ml_platform.definitions", (*HEAVY, "pandas", "pandera", "pyarrow", "argon2", "dagster_webserver")),
    ],
)
def test_importing_a_part_loads_no_more_than_it_needs(module: str, unwanted: tuple[str, ...]) -> None:
    assert loaded_by(module).isdisjoint(unwanted)
