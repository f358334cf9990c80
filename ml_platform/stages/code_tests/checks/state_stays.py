"""State stays: `transform` doesn't change what `fit` has learned, so no call leaves a trace for the next."""

from __future__ import annotations

import copy

from ml_platform.core.digest import canonical_json
from ml_platform.stages.author_code import transformed
from ml_platform.stages.code_tests.bench import Bench, copied


def state_stays(bench: Bench) -> str:
    """Say whether `transform` changes the state."""
    state = copy.deepcopy(dict(bench.state))
    transformed(bench.module, copied(bench.rows), state)
    try:
        same = canonical_json(state) == canonical_json(bench.state)
    except (TypeError, ValueError):
        same = False
    return "" if same else "transform changes the state that it is given"
