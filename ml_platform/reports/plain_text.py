"""Plain text: names and reasons that come from data, made safe for one line of a terminal or a file."""

from __future__ import annotations

import re

SHOWN = 1000
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Say whether text is a SHA-1 (a git commit) or a SHA-256.

    >>> is_digest("ab" * 32), is_digest("abc")
    (True, False)
    """
    return _DIGEST.fullmatch(text) is not None


def one_line(text: str, longest: int = SHOWN) -> str:
    r"""Return text on one line without control characters, shortened in the middle when it is too long.

    A level of a column can hold anything, also the codes that repaint a terminal.

    >>> one_line("a\nb\x1b[2J"), one_line("abcdefghij", 7)
    ('a b�[2J', 'abc…hij')
    """
    if len(text) > longest:
        kept = longest - 1
        text = f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
    return "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))
