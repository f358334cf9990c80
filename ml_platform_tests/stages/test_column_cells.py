"""A column's cells are fixed by its rows at release; every later row falls into exactly one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.stages.column_cells import MISSING, RARE, as_text, cells_of

VALUES = st.lists(st.none() | st.floats(-5, 5) | st.sampled_from(["a", "b", "1.0", "2"]), max_size=30)


def test_numbers_fall_into_tenths_with_missing_ones_of_their_own() -> None:
    cells = cells_of(pd.Series(np.arange(100.0)))
    assert cells.names[0] == "below 10"
    assert cells.names[-2:] == ("from 90", MISSING)
    assert cells.counts(pd.Series([5.0, 15.0, 1_000.0, None])).tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]


def test_levels_of_few_rows_and_new_ones_share_a_cell() -> None:
    cells = cells_of(pd.Series(["a"] * 20 + ["b"] * 19 + ["c"] * 30).astype("category"))
    assert cells.names == ("a", "c", RARE, MISSING)
    assert cells.counts(pd.Series(["a", "b", "new", None, "c", "c"])).tolist() == [1, 2, 2, 1]


def test_a_whole_number_and_its_text_are_one_level() -> None:
    assert as_text(pd.Series(["2.0", 2, 2.0, None], dtype=object)).fillna("none").tolist() == ["2", "2", "2", "none"]


def test_a_truth_is_cut_like_a_number_and_text_where_a_number_is_meant_is_missing() -> None:
    cells = cells_of(pd.Series([True, False] * 50))
    assert cells.counts(pd.Series([True, False, False])).tolist()[:-1].count(0) == 0
    assert cells.counts(pd.Series(["?", 1.0], dtype=object))[-1] == 1


def test_a_column_without_values_has_a_cell_for_any_number() -> None:
    cells = cells_of(pd.Series([np.nan] * 3))
    assert cells.names == ("any number", MISSING)
    assert cells.counts(pd.Series([1.0, None])).tolist() == [1, 1]


@given(VALUES)
def test_every_row_is_counted_once(values: list[float | str | None]) -> None:
    column = pd.Series(values, dtype=object)
    for cells in (cells_of(pd.Series(np.arange(50.0))), cells_of(pd.Series(["a"] * 25 + ["1"] * 25))):
        assert cells.counts(column).sum() == len(values)
