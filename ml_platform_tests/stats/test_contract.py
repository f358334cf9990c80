"""The contract that every statistic keeps: undefined is None with a reason, and only a wrong shape raises."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from ml_platform.stats import CATALOGUE
from ml_platform_tests.stats.cases import CASES, NOT_OF_COLUMNS, OF_PROBABILITIES, Column, columns, measure
from ml_platform_tests.stats.reading import bounds_of, covers, value_of, width_of

METRICS = sorted(CASES)


def poisoned(column: Column, row: int = 3) -> Column:
    """Return the column with one value missing."""
    bad = column.copy()
    bad[row] = None if bad.dtype == np.object_ else np.nan
    return bad


def test_every_metric_of_the_catalogue_has_a_case() -> None:
    assert {*CASES, *NOT_OF_COLUMNS, *OF_PROBABILITIES} == set(CATALOGUE)


@pytest.mark.parametrize("metric", METRICS)
def test_good_columns_give_a_value_with_its_name_size_and_interval(metric: str) -> None:
    for found in measure(metric, columns(metric)):
        assert found.metric == metric
        assert found.value is not None
        assert found.reason == ""
        assert found.n > 0
        if found.low is not None or found.high is not None:
            assert covers(found, value_of(found))
            assert found.confidence == 0.95


@pytest.mark.parametrize("metric", METRICS)
def test_arguments_are_left_as_they_were(metric: str) -> None:
    given = columns(metric)
    measure(metric, given)
    for before, after in zip(columns(metric), given, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_call_gives_the_same_measurement(metric: str) -> None:
    assert measure(metric, columns(metric)) == measure(metric, columns(metric))


@pytest.mark.parametrize("metric", METRICS)
def test_empty_columns_are_undefined_with_a_reason(metric: str) -> None:
    found = measure(metric, [column[:0] for column in columns(metric)])
    assert len(found) == 1
    assert found[0].metric == metric
    assert found[0].value is None
    assert found[0].low is None
    assert "no " in found[0].reason
    assert found[0].n == 0


@pytest.mark.parametrize("metric", METRICS)
def test_a_missing_value_makes_the_measurement_undefined_unless_missing_is_a_value(metric: str) -> None:
    for place, role in enumerate(CASES[metric].roles):
        given = columns(metric)
        given[place] = poisoned(given[place])
        found = measure(metric, given)
        if role in CASES[metric].missing_is_fine:
            assert any(one.value is not None for one in found)
        else:
            assert [one.value for one in found] == [None]
            assert re.search("1 of 200 .* (not finite|no hash)|1 rows have no hash", found[0].reason)


@pytest.mark.parametrize("metric", METRICS)
def test_one_row_never_raises_and_never_pretends_to_know_much(metric: str) -> None:
    for found in measure(metric, [column[:1] for column in columns(metric)]):
        assert found.n <= 1
        assert found.value is not None or found.reason
        if found.low is not None:
            assert width_of(found) > 0.5


@pytest.mark.parametrize("metric", METRICS)
def test_constant_columns_are_undefined_unless_a_constant_means_something(metric: str) -> None:
    found = measure(metric, [np.repeat(column[:1], 20) for column in columns(metric)])
    for one in found:
        if CASES[metric].constant_is_fine:
            assert one.value is not None or one.reason
        else:
            assert one.value is None
            assert one.reason


@pytest.mark.parametrize("metric", METRICS)
def test_columns_of_different_length_raise(metric: str) -> None:
    for table in CASES[metric].tables:
        for place in table[1:]:
            given = columns(metric)
            given[place] = given[place][:-1]
            with pytest.raises(ValueError, match="same number is needed"):
                measure(metric, given)


@pytest.mark.parametrize("metric", METRICS)
def test_a_table_instead_of_a_column_raises(metric: str) -> None:
    for place in range(len(CASES[metric].roles)):
        given = columns(metric)
        given[place] = given[place].reshape(2, -1)
        with pytest.raises(ValueError, match="one column of shape"):
            measure(metric, given)


@pytest.mark.parametrize("metric", METRICS)
def test_a_confidence_outside_its_range_raises_where_there_is_an_interval(metric: str) -> None:
    if all(found.low is None for found in measure(metric, columns(metric))):
        return
    with pytest.raises(ValueError, match="between 0 and 1"):
        measure(metric, columns(metric), confidence=1.0)


@pytest.mark.parametrize("metric", METRICS)
def test_a_wider_confidence_gives_a_wider_interval(metric: str) -> None:
    if all(found.low is None for found in measure(metric, columns(metric))):
        return
    narrow = measure(metric, columns(metric), confidence=0.8)
    wide = measure(metric, columns(metric), confidence=0.99)
    for inner, outer in zip(narrow, wide, strict=True):
        assert bounds_of(outer)[0] <= bounds_of(inner)[0]
        assert bounds_of(outer)[1] >= bounds_of(inner)[1]
        assert width_of(outer) > width_of(inner)


def test_importing_every_statistic_stays_cheap() -> None:
    modules = ", ".join(sorted(set(CATALOGUE.values())))
    code = f"import sys, {modules}\nprint(sorted({{name.split('.')[0] for name in sys.modules}}))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("scipy", "sklearn", "statsmodels", "pandas", "pyarrow", "dagster", "mlflow"):
        assert f"'{heavy}'" not in seen
