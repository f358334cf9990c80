"""The benchmark of sources runs, and says each ratio."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "sources.py"


def test_every_ratio_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(BENCHMARK))["main"](["--rows", "2000", "--files", "3"])
    lines = capsys.readouterr().out.splitlines()
    names = ["csv", "parquet folder", "watch again", "one file more", "sql", "sql, 1 % more"]
    assert [line.split("ours")[0].strip() for line in lines] == names
    assert all("ratio" in line for line in lines)
