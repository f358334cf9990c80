"""The contract benchmark compares what it says: the stream finds in its table what memory finds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from ml_platform.policy.row_rules import RowRule
from ml_platform.policy.spec import Column
from ml_platform.stages.contract import check_rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    found = importlib.util.spec_from_file_location("contract_benchmark", ROOT / "benchmarks" / "contract.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_benchmark_s_table_has_the_same_verdicts_in_a_stream_and_in_memory(
    benchmark: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "rows.parquet"
    benchmark.make(path, 6000)
    columns = TypeAdapter(dict[str, Column]).validate_python(benchmark.contract(), strict=False)
    rules = TypeAdapter(dict[str, RowRule]).validate_python(benchmark.RULES, strict=False)
    found = check_rows("benchmark", columns, pq.read_table(path).to_pandas(), rules=rules)
    assert benchmark.check(path) == {"refused": int(found.refused.sum()), "broken": dict(found.broken)}
    assert set(found.broken) >= {"number_3: out of range", "weight_needs_site"}
    assert benchmark.scan(path)["missing"] > 0
