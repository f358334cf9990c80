"""Whereabouts: another process finds modules where this one found them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Python's path, and the folders of the packages that a module lies in, which may be more than the path says."""

    path: Sequence[str]
    packages: Mapping[str, Sequence[str]]


def whereabouts_of(module: str) -> Whereabouts:
    """Return how this process finds a module."""
    parts = module.split(".")
    parents = [".".join(parts[:count]) for count in range(1, len(parts))]
    folders = {name: list(getattr(sys.modules.get(name), "__path__", ())) for name in parents}
    return Whereabouts(path=[*sys.path], packages={name: found for name, found in folders.items() if found})


def look_there(where: Whereabouts) -> None:
    """Make this process find modules in the same way."""
    sys.path[:] = where.path
    for name, folders in where.packages.items():
        importlib.import_module(name).__path__ = [*folders]
