"""The digest of the code behind a stage: when it changes, what was remembered doesn't count any more."""

from __future__ import annotations

import functools
from pathlib import Path

import ml_platform
from ml_platform.core.digest import digest_of, digest_of_bytes

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
    """Return the digest of a features module's file, found without importing it; empty when there is none."""
    import importlib.util

    try:
        found = importlib.util.find_spec(dotted)
    except (ImportError, ValueError, AttributeError):
        return ""
    if found is None or found.origin is None or not Path(found.origin).is_file():
        return ""
    return digest_of_bytes(Path(found.origin).read_bytes())
