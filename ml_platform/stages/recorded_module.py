"""Recorded module: a features module, and what it shares, imported under their own names from what was kept."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType


class _Modules:
    """Finds each of these modules, and nothing else, in its file."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  (importlib's signature)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the file as the module's origin; None for every other name."""
        return spec_from_file_location(fullname, self._files[fullname]) if fullname in self._files else None


class _Packages:
    """Stands in, last of all, for packages around the modules that aren't installed here."""

    def __init__(self, names: Iterable[str]) -> None:
        parted = [name.split(".") for name in names]
        self._names = {".".join(words[:count]) for words in parted for count in range(1, len(words))}

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


def import_from(files: Mapping[str, Path]) -> None:
    """Let every later import of one of these modules read its file, whatever is installed under that name."""
    sys.meta_path.insert(0, _Modules(files))
    sys.meta_path.append(_Packages(files))
    for name in files:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
