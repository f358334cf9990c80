"""The digest of the code behind a stage: when it changes, what was remembered doesn't count any more."""

from __future__ import annotations

import functools
from pathlib import Path

import ml_platform
from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.errors import PolicyInvalid
from ml_platform.stages.shared_code import shared_code

# What a record depends on. Policies, adapters and the wiring judge, store and show it; they don't make it.
PACKAGES = ("core", "stats", "sources", "learners", "stages")
FILES = ("policy/spec.py",)
DRAWING = ("reports",)


@functools.cache
def code_digest(*more: str) -> str:
    """Return the digest of the sources that make the records (and of the packages `more`)."""
    root = Path(ml_platform.__file__).parent
    paths = [path for package in (*PACKAGES, *more) for path in sorted((root / package).rglob("*.py"))]
    paths += [root / name for name in FILES]
    return digest_of({path.relative_to(root).as_posix(): digest_of_bytes(path.read_bytes()) for path in paths})


def features_source(dotted: str) -> str:
    """Return the digest of a features module's file and what it shares, found without importing; empty without one."""
    import importlib.util

    try:
        found = importlib.util.find_spec(dotted)
    except (ImportError, ValueError, AttributeError):
        return ""
    if found is None or found.origin is None or not Path(found.origin).is_file():
        return ""
    path = Path(found.origin)
    try:
        shared = shared_code(dotted, path)
    except PolicyInvalid:
        shared = {}  # the stage that runs the module says what is wrong
    own = digest_of_bytes(path.read_bytes())
    theirs = {name: digest_of_bytes(source.read_bytes()) for name, source in shared.items()}
    return digest_of([own, theirs]) if theirs else own
