from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.policy.coercions import TextToDatetime, TextToNumber
from ml_platform.stages.convert import convert
from ml_platform.stages.guess_coercion import FEWEST_CELLS, Guess, Guessed, guess_coercion

DAYS = pd.date_range("2023-01-01", periods=400, freq="D")


def guessed(texts: list[str | None]) -> Guessed | None:
    return guess_coercion(pd.Series(texts, dtype=object))


def coercion(texts: list[str | None]) -> Guess:
    found = guessed(texts)
    assert found is not None
    assert found.coercion is not None, found.note
    assert found.note.startswith("guess: ")
    return found.coercion


@pytest.mark.parametrize(
    ("texts", "decimal", "thousands"),
    [
        (["1.234,56", "7,5", "12"], ",", "."),
        (["1,5", "0,25", "-3,0"], ",", ""),
        (["1,234.56", "7.5", "12"], ".", ","),
        (["1 234,56", "7,5", "12"], ",", " "),
        (["1'234.56", "7.5", "12"], ".", "'"),
        (["1.234.567", "1.234", "12"], ",", "."),
    ],
)
def test_numbers_are_read_by_the_signs_that_only_one_reading_explains(
    texts: list[str | None], decimal: str, thousands: str
) -> None:
    found = coercion(texts * 10)
    assert isinstance(found, TextToNumber)
    assert (found.decimal, found.thousands) == (decimal, thousands)


@pytest.mark.parametrize(
    "form", ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d"]
)
def test_a_year_of_days_tells_day_from_month(form: str) -> None:
    found = coercion(list(DAYS.strftime(form)))
    assert isinstance(found, TextToDatetime)
    assert found.format == form


def test_days_that_could_be_months_are_said_and_not_guessed() -> None:
    found = guessed(["03/04/2024", "05/06/2024", "12/11/2024"] * 5)
    assert found is not None
    assert found.coercion is None
    assert "day and month can't be told apart (%d/%m/%Y or %m/%d/%Y)" in found.note


def test_days_that_are_the_same_either_way_are_no_doubt() -> None:
    assert guessed(["03/03/2024", "05/05/2024"] * 5) is not None
    found = guessed(["1,234", "5,678"] * 5)
    assert found is not None
    assert found.coercion is None
    assert "decimals and thousands can't be told apart" in found.note


@pytest.mark.parametrize("words", [("ja", "nein"), ("J", "N"), ("yes", "no"), ("Oui", "Non")])
def test_words_for_truths_are_stated_as_they_are_written(words: tuple[str, str]) -> None:
    found = coercion([*words, None] * 10)
    assert found.model_dump()["true_words"] == words[:1]
    assert found.model_dump()["false_words"] == words[1:]


@pytest.mark.parametrize(
    "texts",
    [
        ["007,5", "012,5"],
        ["192.168.0.1", "10.0.0.1"],
        ["1.2.3", "4.5.6"],
        ["north", "south"],
        ["yes", "no", "maybe"],
        ["31.02.2024", "30.02.2024"],
        ["1,5", "abc"],
        ["-", "12", "13"],
        [None],
    ],
)
def test_what_reads_in_no_way_is_left_alone(texts: list[str | None]) -> None:
    assert guessed(texts * 10) is None


def test_plain_numbers_with_a_few_words_are_left_alone() -> None:
    assert guessed([*(f"{n}.5" for n in range(400)), "unknown"]) is None


def test_too_few_cells_and_other_values_than_texts_say_nothing() -> None:
    assert guessed(["1,5"] * (FEWEST_CELLS - 1)) is None
    assert guess_coercion(pd.Series([1, "1,5"] * 20, dtype=object)) is None
    assert guess_coercion(pd.Series(range(20))) is None


def test_the_few_cells_that_do_not_read_so_are_counted() -> None:
    found = guessed([*(f"{n},5" for n in range(400)), "?"])
    assert found is not None
    assert found.note == "guess: how the numbers are written; 1 cells don't read so and would be refused"


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-1e7, 1e7), min_size=12, max_size=40))
def test_whatever_is_guessed_of_german_numbers_means_what_was_written(numbers: list[float]) -> None:
    texts = [f"{number:,.2f}".translate(str.maketrans(",.", ".,")) for number in numbers]
    found = guessed(list(texts))
    assert found is not None
    assert found.coercion is not None
    read = convert(pd.Series(texts, dtype=object), found.coercion)
    assert read.tolist() == [float(f"{number:.2f}") for number in numbers]
