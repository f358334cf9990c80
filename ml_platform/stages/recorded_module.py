"""Recorded module: a features module imported under its own name from the source that was kept of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType


class _Module:
    """Finds one module, and nothing else, in a file."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  (importlib's signature)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the file as the module's origin; None for every other name."""
        return spec_from_file_location(fullname, self._path) if fullname == self._name else None


class _Packages:
    """Stands in, last of all, for packages around the module that aren't installed here."""

    def __init__(self, name: str) -> None:
        words = name.split(".")
        self._names = {".".join(words[:count]) for count in range(1, len(words))}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  (importlib's signature)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return an empty package; None for every other name."""
        if fullname not in self._names:
            return None
        found = ModuleSpec(fullname, None, is_package=True)
        found.submodule_search_locations = []
        return found


def import_from(path: Path, name: str) -> None:
    """Let every later import of the module `name` read `path`, whatever is installed under that name."""
    sys.meta_path.insert(0, _Module(name, path))
    sys.meta_path.append(_Packages(name))
    sys.modules.pop(name, None)
    importlib.invalidate_caches()
