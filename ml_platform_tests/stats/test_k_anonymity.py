from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.stats.equivalence_classes import class_sizes
from ml_platform.stats.k_anonymity import k_anonymity
from ml_platform.stats.small_class_share import small_class_share

CELLS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=40)


@settings(max_examples=50)
@given(CELLS)
def test_classes_are_those_of_pandas(cells: list[tuple[str, int, int]]) -> None:
    frame = pd.DataFrame(cells, columns=["place", "age", "person"])
    by = frame.groupby(["place", "age"])["person"]
    columns = frame["place"].to_numpy(dtype=object), frame["age"].to_numpy()
    assert class_sizes(*columns).tolist() == by.transform("size").tolist()
    persons = by.transform("nunique").tolist()
    assert class_sizes(*columns, entity=frame["person"].to_numpy()).tolist() == persons
    assert k_anonymity(*columns, entity=frame["person"].to_numpy()).value == min(persons)


def test_missing_is_a_value_and_persons_count_once() -> None:
    ages = np.array([30.0, math.nan, math.nan, 30.0])
    assert (k_anonymity(ages).value, k_anonymity(ages).facts) == (2, {"alone": 0})
    alone = k_anonymity(ages, entity=["ann", "bob", "bob", "cy"])
    assert (alone.value, alone.facts, alone.n) == (1, {"alone": 2}, 4)


def test_the_share_counts_rows_below_k_and_not_at_k() -> None:
    ages = [1] * 5 + [2] * 4 + [3]
    assert small_class_share(ages).value == pytest.approx(0.5)
    assert small_class_share(ages, k=4).value == pytest.approx(0.1)
    assert small_class_share(ages, k=1).value == 0


def test_without_columns_there_are_no_classes() -> None:
    with pytest.raises(ValueError, match="there are none"):
        class_sizes()
