"""Level text: the one text that stands for a category's level, whether it came as text or as a number.

A whole number is its decimal text, without ".0": an integer column with gaps becomes a column of floats in many
tools, so that 2, 2.0 and "2.0" are the same level "2".
"""

from __future__ import annotations

import re
from collections.abc import Container

LARGEST_WHOLE = 1 << 53
LARGEST_INTEGER = 1 << 63
_WHOLE = re.compile(r"(?:0|-?[1-9][0-9]{0,14})\.0")


def level_text(level: object, declared: Container[str] = ()) -> str:
    """Return the text of a level in a table; a text like "2.0" is "2" unless it is itself a declared level.

    >>> level_text(2), level_text(2.0), level_text("2.0"), level_text("02.0"), level_text(2.5)
    ('2', '2', '2', '02.0', '2.5')
    >>> level_text("2.0", declared=("1.0", "2.0"))
    '2.0'
    """
    if isinstance(level, float) and level.is_integer() and abs(level) <= LARGEST_WHOLE:
        return str(int(level))
    text = str(level)
    return text[:-2] if text.endswith(".0") and _WHOLE.fullmatch(text) and text not in declared else text


def sent_level_text(value: object, declared: Container[str] = ()) -> str:
    """Return the text of a level in a request, the same as in a table; raises TypeError when it can't be one.

    >>> sent_level_text(2), sent_level_text(2.0), sent_level_text("2")
    ('2', '2', '2')
    """
    whole = type(value) is int and abs(value) < LARGEST_INTEGER
    if type(value) is str or whole or (type(value) is float and value.is_integer() and abs(value) <= LARGEST_WHOLE):
        return level_text(value, declared)
    raise TypeError
