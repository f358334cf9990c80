"""Opening the platform costs nothing and writes nothing."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from ml_platform.adapters.deployments import Projected
from ml_platform.adapters.platform import open_platform
from ml_platform.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    return Settings(home=home, mlflow_uri=f"sqlite:///{home}/mlflow/mlflow.db", actor="bob", defs=None, only=())


def test_opening_writes_nothing_and_use_does(settings: Settings) -> None:
    with open_platform(settings) as platform:
        assert not settings.home.exists()
        now = dt.datetime.now(tz=dt.UTC)
        platform.ledger.append("looked", actor="bob", subject="flights", payload={}, at=now)
        assert platform.project() == Projected(done=0)
        assert platform.store.home == settings.home
    assert (settings.home / "ledger.sqlite").exists()


def test_it_is_opened_without_any_dear_import() -> None:
    code = (
        "import sys, ml_platform.adapters.platform, ml_platform.stages.promote, ml_platform.stages.release\n"
        "dear = ('mlflow', 'lightgbm', 'pandas', 'pyarrow', 'sklearn', 'scipy', 'matplotlib', 'dagster')\n"
        "print(*(name for name in dear if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
