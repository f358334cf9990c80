from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.threshold import choose_threshold

SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def test_a_share_selects_the_highest_scores() -> None:
    found = choose_threshold(SCORES, np.zeros(5), selected_share=0.4)
    assert (found.value, found.selected_share, found.n) == (0.4, 0.4, 5)


def test_rows_of_equal_score_are_decided_alike() -> None:
    found = choose_threshold(np.array([0.1, 0.5, 0.5, 0.5]), np.zeros(4), selected_share=0.25)
    assert (found.value, found.selected_share) == (0.5, 0.75)


def test_a_share_of_nearly_nothing_still_selects_a_row() -> None:
    assert choose_threshold(SCORES, np.zeros(5), selected_share=0.0).value == 0.5
    assert choose_threshold(SCORES, np.zeros(5), selected_share=1.0).value == 0.1


def test_without_a_share_the_largest_youden_index_decides() -> None:
    found = choose_threshold(SCORES, np.array([0.0, 1.0, 0.0, 1.0, 1.0]))
    assert found.value == 0.4
    assert "Youden" in found.rule


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.4, 0.9]), st.booleans()), min_size=2))
def test_no_other_score_has_a_larger_youden_index(rows: list[tuple[float, bool]]) -> None:
    score, target = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    if np.ptp(target) == 0:
        return

    def youden(at: float) -> float:
        return float((score >= at)[target == 1].mean() - (score >= at)[target == 0].mean())

    best = choose_threshold(score, target).value
    assert youden(best) == pytest.approx(max(youden(at) for at in score))


def test_no_rows_and_one_class_are_refused_with_a_way_out() -> None:
    with pytest.raises(DataInvalid, match="larger calibration part"):
        choose_threshold(np.array([]), np.array([]))
    with pytest.raises(DataInvalid, match="one class"):
        choose_threshold(SCORES, np.ones(5))
