"""Inputs stay: neither `fit` nor `transform` changes what it is given."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from ml_platform.stages.author_code import fitted, transformed
from ml_platform.stages.code_tests.bench import Bench, copied
from ml_platform.stages.code_tests.differ import names_differ, several
from ml_platform.stages.encode import Columns


def inputs_stay(bench: Bench) -> str:
    """Say which function changes which column.

    Read-only columns come first, as a refused write names its line; then those that could be written, as the service
    gives them.
    """
    state = copy.deepcopy(dict(bench.state))
    calls: dict[str, tuple[Columns, Callable[[Columns], Any]]] = {
        "fit": (bench.material.training, lambda columns: fitted(bench.module, columns)),
        "transform": (bench.rows, lambda columns: transformed(bench.module, columns, state)),
    }
    return several([seen for name, (given, call) in calls.items() if (seen := _changed(name, given, call))])


def _changed(name: str, given: Columns, call: Callable[[Columns], Any]) -> str:
    frozen = copied(given)
    for values in frozen.values():
        values.flags.writeable = False
    call(frozen)
    open_ones = copied(given)
    call(open_ones)
    if tuple(open_ones) != tuple(given):
        return f"{name} changes the dict that it is given: {names_differ(tuple(given), tuple(open_ones))}"
    changed = [
        f"'{column}'" for column in given if not np.array_equal(given[column], open_ones[column], equal_nan=True)
    ]
    return f"{name} changes {several(changed)}" if changed else ""
