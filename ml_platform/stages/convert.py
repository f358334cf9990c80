"""Convert: cells of one kind into what a stated coercion makes of them; a cell that it can't be said of is missing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

import numpy as np

from ml_platform.policy.coercions import (
    BooleanToCategory,
    BooleanToNumber,
    Coercion,
    LocalToDatetime,
    NumberToBoolean,
    NumberToCategory,
    NumberToDatetime,
    TextToBoolean,
    TextToDatetime,
    TextToNumber,
)
from ml_platform.stages.distinct import distinct_values

if TYPE_CHECKING:
    import pandas as pd

ISO = "iso8601"
_MICROSECONDS = {"seconds": 1e6, "milliseconds": 1e3, "microseconds": 1.0, "days": 86_400e6}
_EARLIEST, _LATEST = (
    (day - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1)
    for day in (dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC))
)
_ZONED = re.compile(r".*[0-9](?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)")


def convert(values: pd.Series, coercion: Coercion) -> pd.Series:
    """Return present cells of one kind, with a fresh index, as the coercion makes them."""
    match coercion:
        case TextToNumber():
            made = _each(values, lambda texts: _numbers(texts, coercion))
        case TextToBoolean():
            made = _each(values, lambda texts: _truths(texts, coercion))
        case TextToDatetime() if isinstance(values.iloc[0], str):
            made = _each(values, lambda texts: _times(texts, coercion))
        case TextToDatetime(zone=zone) | LocalToDatetime(zone=zone):
            made = _local(values, zone)
        case NumberToDatetime():
            made = _counted(values, _MICROSECONDS[coercion.unit])
        case NumberToBoolean():
            numbers = values.astype(np.float64)
            made = (numbers == 1).astype(object).where(numbers.isin([0, 1]), None)
        case BooleanToNumber():
            made = values.astype(bool).astype(np.float64)
        case NumberToCategory() | BooleanToCategory():
            made = values
        case _:
            assert_never(coercion)
    return made


def _each(values: pd.Series, convert_distinct: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Convert each distinct text once."""
    place, distinct = distinct_values(values)
    return convert_distinct(distinct.astype(object)).take(place).reset_index(drop=True)


def _numbers(texts: pd.Series, coercion: TextToNumber) -> pd.Series:
    import pandas as pd

    decimal, thousands = re.escape(coercion.decimal), re.escape(coercion.thousands)
    grouped = rf"|[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+" if coercion.thousands else ""
    shape = re.compile(rf"[+-]?(?:(?:[0-9]+{grouped})(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?")

    def read(text: str) -> float:
        if not shape.fullmatch(text):
            return np.nan
        plain = text.replace(coercion.thousands, "") if coercion.thousands else text
        return float(plain.replace(coercion.decimal, "."))

    return pd.Series([read(text) for text in texts], dtype=np.float64)


def _truths(texts: pd.Series, coercion: TextToBoolean) -> pd.Series:
    import pandas as pd

    words = dict.fromkeys(coercion.true_words, True) | dict.fromkeys(coercion.false_words, False)
    return pd.Series([words.get(text) for text in texts], dtype=object)


def _times(texts: pd.Series, coercion: TextToDatetime) -> pd.Series:
    import pandas as pd

    if coercion.format != ISO:
        zoned = np.full(len(texts), "%z" in coercion.format)
    else:
        zoned = np.array([_ZONED.fullmatch(text) is not None and ":" in text for text in texts], dtype=bool)
    form = "ISO8601" if coercion.format == ISO else coercion.format
    read = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    if zoned.any():
        read[zoned] = pd.to_datetime(texts[zoned], format=form, errors="coerce", utc=True).dt.as_unit("us")
    if not zoned.all():
        local = pd.to_datetime(texts[~zoned], format=form, errors="coerce", utc=True).dt.tz_localize(None)
        read[~zoned] = _in_zone(local, coercion.zone)
    return read


def _local(values: pd.Series, zone: str) -> pd.Series:
    import pandas as pd

    return _in_zone(pd.to_datetime(values, errors="coerce"), zone)


def _in_zone(local: pd.Series, zone: str) -> pd.Series:
    """Return local times as UTC; one that the clocks showed twice, or never, is missing."""
    aware = local.dt.as_unit("us").dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    utc: pd.Series = aware.dt.tz_convert("UTC")
    return utc


def _counted(values: pd.Series, microseconds: float) -> pd.Series:
    import pandas as pd

    counted = np.rint(values.astype(np.float64).to_numpy() * microseconds)
    good = (counted >= _EARLIEST) & (counted <= _LATEST)
    times = pd.Series(np.where(good, counted, 0).astype(np.int64).view("datetime64[us]")).dt.tz_localize("UTC")
    return times.where(good)
