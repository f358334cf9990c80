"""What a stated coercion has to make sense of: the column's type, its words, its time format and zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from types import MappingProxyType

from ml_platform.policy.coercions import Coercion, LocalToDatetime, TextToBoolean, TextToDatetime, TextToNumber
from ml_platform.policy.problems import seen

_FORMS = frozenset("YmdHMSfzjbByIp")
_MAKES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "number": ("number", "integer"),
        "boolean": ("boolean",),
        "datetime": ("datetime",),
        "category": ("category",),
    }
)


def coercion_fault(coercion: Coercion, column_type: str) -> str | None:
    """Say what is wrong with a coercion of a column of this type; None when nothing is."""
    made = coercion.kind.rpartition("_")[2]
    if column_type not in _MAKES[made]:
        return f"is {coercion.kind} for a column of type {column_type}; needed: type {' or '.join(_MAKES[made])}"
    match coercion:
        case TextToNumber(decimal=decimal, thousands=thousands) if decimal == thousands:
            return f"has {seen(decimal)} for decimals and for thousands; needed: two different signs"
        case TextToBoolean():
            return _words_fault(coercion)
        case TextToDatetime():
            return _format_fault(coercion.format) or _zone_fault(coercion.zone)
        case LocalToDatetime():
            return _zone_fault(coercion.zone)
    return None


def _words_fault(coercion: TextToBoolean) -> str | None:
    if not (coercion.true_words and coercion.false_words):
        return "has no words for true or none for false; needed: at least one each"
    both = sorted(set(coercion.true_words) & set(coercion.false_words))
    return f"has {seen(both[0])} for true and for false; needed: different words" if both else None


def _format_fault(text: str) -> str | None:
    if text == "iso8601":
        return None
    used = [text[place + 1 : place + 2] for place, sign in enumerate(text) if sign == "%"]
    unknown = [sign for sign in used if sign not in _FORMS]
    if unknown:
        return (
            f"has the format {seen(text)} with %{unknown[0]}; known: {', '.join(f'%{sign}' for sign in sorted(_FORMS))}"
        )
    if len(set(used)) < len(used):
        return f"has the format {seen(text)}, which says something twice; needed: each part once"
    day = {"j"} <= set(used) or ({"d"} <= set(used) and bool({"m", "b", "B"} & set(used)))
    if not day or not {"Y", "y"} & set(used):
        return f"has the format {seen(text)}, which names no day; needed: year, month and day, or iso8601"
    return None


def _zone_fault(zone: str) -> str | None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"has the zone {seen(zone)}, which isn't known; needed: UTC or a name as Europe/Berlin"
    return None
