"""Select only: why a text isn't one plain SELECT, seen from its words alone.

This is the first of two locks: the database itself is opened for reading only, where it knows how. It errs to the
safe side: databases read comments, backslashes and dollar signs differently, so a query has none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[A-Za-z_ ]+\]|\w+|--|/\*|#>>?|#-|\s+|.", re.DOTALL)
_WRITES = frozenset(
    "insert update delete merge into drop alter create truncate grant revoke call exec execute copy attach detach "
    "pragma vacuum lock set begin commit rollback savepoint release do load handler declare".split()
)
_ODD = {"--": "a comment", "/*": "a comment", "#": "a comment", "\\": "a backslash", "$": "a dollar sign"}
_NAMED = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)(?!:)")


def objection(query: str) -> str | None:
    """Return why a query isn't one SELECT that only reads, or None.

    >>> objection("SELECT a FROM t WHERE b = 'x; DROP TABLE t'"), objection("WITH q AS (SELECT 1) SELECT * FROM q;")
    (None, None)
    >>> objection("SELECT 1; DROP TABLE t"), objection("DELETE FROM t"), objection("SELECT a INTO b FROM t")
    ('holds more than one statement', "begins with 'DELETE'", "holds the word 'INTO'")
    """
    tokens = [token for token in _TOKEN.findall(query.strip().removesuffix(";")) if not token.isspace()]
    first = tokens[0] if tokens else ""
    if first.lower() not in {"select", "with"}:
        return f"begins with {first[:20]!r}"
    return next(_objections(tokens), None)


def names_in(query: str) -> frozenset[str]:
    """Return the names of a query's bound parameters.

    >>> sorted(names_in("SELECT a::int FROM t WHERE b = :low AND c < :high AND d = ':not'"))
    ['high', 'low']
    """
    outside = "".join(" " if token[0] in "'\"`" else token for token in _TOKEN.findall(query))
    return frozenset(_NAMED.findall(outside))


def _objections(tokens: list[str]) -> Iterator[str]:
    if ";" in tokens:
        yield "holds more than one statement"
    for token in tokens:
        if token in {"'", '"', "`"}:
            yield "has a quote that isn't closed"
        if token.lower() in _WRITES:
            yield f"holds the word {token!r}"
        odd = _ODD.get(token) or (_ODD["\\"] if "\\" in token else None)
        if odd is not None:
            yield f"holds {odd}, which databases read differently"
