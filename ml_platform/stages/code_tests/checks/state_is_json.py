"""State is JSON: what `fit` learned is stored and read back as it was."""

from __future__ import annotations

import json

from ml_platform.core.digest import canonical_json
from ml_platform.stages.code_tests.bench import Bench, NotApplicable, copied
from ml_platform.stages.code_tests.differ import states_differ


def state_is_json(bench: Bench) -> str:
    """Say where the learned state isn't the same after it was stored."""
    if bench.module.fit is None:
        raise NotApplicable("the module has no fit")
    learned = bench.module.fit(copied(bench.material.training))
    return states_differ(_lists(learned), json.loads(canonical_json(learned)))


def _lists(value: object) -> object:
    """Return tuples as the lists that JSON has for them."""
    if isinstance(value, dict):
        return {key: _lists(one) for key, one in value.items()}
    return [_lists(one) for one in value] if isinstance(value, list | tuple) else value
