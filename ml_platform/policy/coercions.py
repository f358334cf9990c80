"""Coercions: the conversions a column's author states; when a column states any, no other happens to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Coercion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TextToNumber(_Coercion):
    """Text such as "1.234,5" as a number: the sign of the decimals and the one between thousands."""

    kind: Literal["text_to_number"]
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""


class TextToBoolean(_Coercion):
    """Words as truths, exactly as they are written here."""

    kind: Literal["text_to_boolean"]
    true_words: tuple[str, ...] = ("true",)
    false_words: tuple[str, ...] = ("false",)


class TextToDatetime(_Coercion):
    """Text as a time: ISO 8601 or one stated format; a time without a zone is in the stated zone."""

    kind: Literal["text_to_datetime"]
    format: Annotated[str, Field(min_length=2, max_length=60)] = "iso8601"
    zone: Annotated[str, Field(min_length=1)] = "UTC"


class LocalToDatetime(_Coercion):
    """A time that the table holds without a zone, as one in the stated zone."""

    kind: Literal["local_to_datetime"]
    zone: Annotated[str, Field(min_length=1)]


class NumberToDatetime(_Coercion):
    """A number as a time, counted from 1970-01-01 UTC in the stated unit."""

    kind: Literal["number_to_datetime"]
    unit: Literal["seconds", "milliseconds", "microseconds", "days"]


class NumberToBoolean(_Coercion):
    """1 and 0 as true and false."""

    kind: Literal["number_to_boolean"]


class NumberToCategory(_Coercion):
    """A number as a level: a whole one is its decimal text, "2.0" is "2"."""

    kind: Literal["number_to_category"]


class BooleanToNumber(_Coercion):
    """True and false as 1 and 0."""

    kind: Literal["boolean_to_number"]


class BooleanToCategory(_Coercion):
    """True and false as the levels "True" and "False"."""

    kind: Literal["boolean_to_category"]


Coercion = Annotated[
    TextToNumber
    | TextToBoolean
    | TextToDatetime
    | LocalToDatetime
    | NumberToDatetime
    | NumberToBoolean
    | NumberToCategory
    | BooleanToNumber
    | BooleanToCategory,
    Field(discriminator="kind"),
]
