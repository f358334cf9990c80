"""Writes plain values as one line of YAML that every reader reads the same way, ours included."""

from __future__ import annotations

import json
import re

from ml_platform.policy.yaml_scalars import Ambiguous, read_scalar

_PLAIN = re.compile(r"[A-Za-z_](?:[\w.+/-]|[ ](?=[\w.+/-]))*", re.ASCII)
_SHORT = {'"': r"\"", "\\": r"\\"}


def yaml_line(value: object) -> str:
    """Write a mapping, list, text, number or truth in YAML's flow style; text that could be misread is quoted.

    >>> yaml_line({"type": "category", "levels": ["north", "no", "1:30", "a: b"], "missing": 0.5})
    '{type: category, levels: [north, "no", "1:30", "a: b"], missing: 0.5}'
    """
    match value:
        case dict():
            return "{" + ", ".join(f"{yaml_line(key)}: {yaml_line(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(yaml_line, value)) + "]"
        case str():
            return value if _is_plain(value) else '"' + "".join(map(_escaped, value)) + '"'
        case _:
            return json.dumps(value)


def _is_plain(text: str) -> bool:
    try:
        return _PLAIN.fullmatch(text) is not None and read_scalar(text) == text
    except Ambiguous:
        return False


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
