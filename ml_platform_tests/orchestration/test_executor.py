from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest

from ml_platform.orchestration.executor import PRELOAD, in_process_or_forkserver


@dg.op
def nothing() -> None:
    return None


@dg.job(executor_def=in_process_or_forkserver)
def small() -> None:
    nothing()


def _resolved(config: Mapping[str, Any]) -> Mapping[str, Any]:
    checked = dg.validate_run_config(small, {"execution": {"config": config}} if config else {})
    found: Mapping[str, Any] = checked["execution"]
    return found


def test_a_run_stays_in_one_process_unless_it_asks_for_more() -> None:
    assert "in_process" in str(_resolved({}))
    assert "multiprocess" not in str(_resolved({}))


def test_several_processes_start_from_the_preloaded_server() -> None:
    found = str(_resolved({"multiprocess": {"max_concurrent": 2}}))
    assert "forkserver" in found
    assert "ml_platform.definitions" in found


def test_both_at_once_are_refused() -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        _resolved({"in_process": {}, "multiprocess": {}})


@pytest.mark.parametrize("name", [name for name in PRELOAD if name != "ml_platform.definitions"])
def test_everything_preloaded_is_there(name: str) -> None:
    importlib.import_module(name)
