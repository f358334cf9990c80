from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.lightgbm_native import fit, predict
from ml_platform.policy.check_objective import NO_DIRECTION
from ml_platform.policy.spec import Objective
from ml_platform_tests.learners.made import NUMBERS, learner, rows

HOLDING: tuple[Objective, ...] = ("binary", *(name for name in NUMBERS if name not in NO_DIRECTION))
STEPS = np.linspace(-3, 3, 61)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(HOLDING), st.sampled_from(["increasing", "decreasing"]), st.integers(0, 50))
def test_predictions_never_go_against_a_stated_direction(objective: Objective, direction: str, seed: int) -> None:
    said = learner(objective, seed=seed, rounds=8, monotone={"a": direction}, parameters={"num_leaves": 15})
    text = fit(said, rows(objective, seed=seed)).text
    for row in rows(objective, 10, seed=seed + 1).values:
        along = np.tile(row, (STEPS.size, 1))
        along[:, 0] = STEPS
        changes = np.diff(predict(text, along))
        assert (changes >= 0).all() if direction == "increasing" else (changes <= 0).all()


def test_without_a_direction_the_same_rows_do_go_against_it() -> None:
    text = fit(learner(rounds=30, parameters={"num_leaves": 15}), rows()).text
    along = np.zeros((STEPS.size, 3))
    along[:, 0] = STEPS
    assert (np.diff(predict(text, along)) < 0).any()


@pytest.mark.parametrize(
    ("monotone", "words"),
    [
        ({"plac": "increasing"}, "'plac' is no feature; did you mean 'place'"),
        ({"zzz": "increasing", "a": "decreasing"}, "'zzz' is no feature; name features"),
        ({"place": "increasing"}, "place is a category, which has no order"),
    ],
)
def test_a_direction_of_something_else_than_an_ordered_feature_is_refused(monotone: dict[str, str], words: str) -> None:
    with pytest.raises(DataInvalid, match=words):
        fit(learner(monotone=monotone), rows())


@pytest.mark.parametrize("objective", sorted(NO_DIRECTION))
def test_lightgbm_itself_refuses_a_direction_for_the_objectives_that_the_file_refuses(objective: Objective) -> None:
    from lightgbm.basic import LightGBMError

    with pytest.raises(LightGBMError, match="monotone"):
        fit(learner(objective, monotone={"a": "increasing"}), rows(objective))
