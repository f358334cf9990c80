"""Suspects: calls in a features module that give another answer another time, found by reading its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_MODULES = {
    "random": "draws random numbers",
    "secrets": "draws random numbers",
    "uuid": "makes a new identifier",
    "time": "asks for the time",
}
_CALLS = {
    "set": "goes through a set, whose order differs from process to process, unless it is sorted",
    "frozenset": "goes through a set, whose order differs from process to process, unless it is sorted",
    "hash": "asks for a hash, which differs from process to process",
    "id": "asks where something lies in memory",
}
_ENDS = {
    "now": "asks for the time",
    "today": "asks for the time",
    "utcnow": "asks for the time",
    "urandom": "draws random numbers",
    "getpid": "asks for the process",
    "environ": "asks for the environment",
    "sample": "draws rows; they are the same ones only with random_state",
}
_SEEDED = ("default_rng", "Generator", "RandomState", "SeedSequence")


def suspects(source: bytes, name: str) -> tuple[str, ...]:
    """Return a line for each suspicious call, in the order of the code; () for code that can't be read."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found = sorted({(line, why) for line, why in _suspects(tree)})
    return tuple(f"{name}: line {line} {why}" for line, why in found)


def _suspects(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Set | ast.SetComp):
            yield node.lineno, _CALLS["set"]
        elif isinstance(node, ast.Call):
            why = _of_call(ast.unparse(node.func).split("."), given=bool(node.args or node.keywords))
            if why:
                yield node.lineno, why


def _of_call(words: list[str], *, given: bool) -> str:
    first, last = words[0], words[-1]
    if last in _SEEDED:
        return "" if given else "draws random numbers without a seed"
    if "random" in words[:-1] and len(words) > 1:
        return _MODULES["random"]
    if len(words) == 1:
        return _CALLS.get(first, "")
    return _MODULES.get(first, "") or _ENDS.get(last, "")
