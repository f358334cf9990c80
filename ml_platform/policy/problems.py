"""A problem of a policy file: where it is, what was seen, what is needed and what to do, in one line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 60

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem at a place of the file; `line` is found by the place when it isn't given."""

    where: Where
    text: str
    line: int | None = None


def path_text(where: Where) -> str:
    """Write a place as people do; what lies in a model file's `attributes` is named without them.

    >>> path_text(("attributes", "contract", "hour", "range", 1))
    'contract.hour.range[1]'
    """
    text = ""
    for part in where[1:] if len(where) > 1 and where[0] == "attributes" else where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def seen(value: object) -> str:
    """Quote a value as it stands in the file, shortened.

    >>> seen("pssi"), seen(True), seen(None), seen(0.5)
    ("'pssi'", 'true', 'empty', '0.5')
    """
    if value is None:
        return "empty"
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN else value[: SHOWN - 1] + "…")
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def known(names: Iterable[str], word: object = None) -> str:
    """List the known names and, when `word` resembles one of them, suggest it.

    >>> known(["ks", "psi"], "pssi")
    "known: ks, psi. Did you mean 'psi'?"
    """
    choices = list(names)
    text = f"known: {', '.join(choices) or 'none'}."
    return f"{text} {suggestion}" if (suggestion := nearest(choices, word)) else text


def nearest(names: Iterable[str], word: object) -> str:
    """Suggest the known name that `word` resembles; empty when there is none.

    >>> nearest(["learning_rate", "num_leaves"], "learning_rat")
    "Did you mean 'learning_rate'?"
    """
    near = difflib.get_close_matches(word, list(names), n=1, cutoff=0.6) if isinstance(word, str) else []
    return f"Did you mean '{near[0]}'?" if near else ""
