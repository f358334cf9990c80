"""Pattern: a regular expression for the whole text of a cell, in RE2's language.

RE2 takes time in proportion to the text whatever the expression (no backtracking), and refuses what would need more.
Its syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

LONGEST = 200


def pattern_fault(pattern: str) -> str | None:
    r"""Say what is wrong with a pattern; None when it is one.

    >>> pattern_fault("[A-Z]{2}[0-9]+"), pattern_fault("[A-Z")
    (None, 'missing ]: [A-Z')
    >>> pattern_fault(r"(a)\1")
    'invalid escape sequence: \\1'
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pattern:
        return "it is empty"
    if len(pattern) > LONGEST:
        return f"it has {len(pattern)} characters, at most {LONGEST} are read"
    try:
        for tried in (pattern, anchored(pattern)):  # alone first: "a)|(b" is whole only between our parentheses
            pc.match_substring_regex(pa.array([""]), tried)
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        return str(error).partition("regular expression: ")[2] or "it can't be read"
    return None


def anchored(pattern: str) -> str:
    """Return the expression that matches when the whole text does, line breaks in it included."""
    return rf"\A(?:{pattern})\z"
