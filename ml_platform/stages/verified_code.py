"""Verified code: a model's features, and what they share, run from the very bytes whose hash was checked."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from importlib.abc import ExecutionLoader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.scoring import FEATURES_SOURCE, shared_module
from ml_platform.stages.encode import Columns

Transform = Callable[[Columns, Mapping[str, Any]], Columns]


def transform_of(files: Mapping[str, bytes], folder: Path, digest: str) -> Transform:
    """Run an artefact's features and return their `transform`; DataInvalid when it isn't there or can't be run.

    A module that the features share is taken from the artefact too, whatever is installed under its name by now.
    """
    path = folder / FEATURES_SOURCE
    module = _Modules(files, folder).run(f"ml_platform_features_{short(digest)}", FEATURES_SOURCE)
    transform: Transform | None = getattr(module, "transform", None)
    if not callable(transform):
        raise DataInvalid(f"{path}: it has no function transform(columns, state); train the model again")
    return transform


class _Verified(ExecutionLoader):
    """Loads a module from the very bytes whose hash was checked."""

    def __init__(self, source: bytes, path: Path) -> None:
        self._source = source
        self._path = path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - one loader, one module
        """Return the source that was checked."""
        return self._source.decode()

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002
        """Name the file in tracebacks."""
        return str(self._path)


class _Modules:
    """The modules of one artefact; each is run once, and imports of the shared ones lead here."""

    def __init__(self, files: Mapping[str, bytes], folder: Path) -> None:
        self._files = files
        self._folder = folder
        self._shared = {shared_module(name): name for name in files if shared_module(name)}
        self._run: dict[str, ModuleType] = {}

    def run(self, name: str, file: str) -> ModuleType:
        path = self._folder / file
        loader = _Verified(self._files[file], path)
        module = module_from_spec(ModuleSpec(name, loader, origin=str(path)))
        if self._shared:
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
        try:
            loader.exec_module(module)
        except (SyntaxError, ImportError, UnicodeDecodeError, ValueError) as error:
            raise DataInvalid(f"{path}: it can't be run ({error}); train the model again with this platform") from error
        return module

    def _import(
        self,
        name: str,
        given: Mapping[str, object] | None = None,
        local: Mapping[str, object] | None = None,
        wanted: tuple[str, ...] = (),
        level: int = 0,
    ) -> ModuleType:
        """Stand in for `import`: what the artefact holds comes from it, anything else from where it always does."""
        if name in self._shared:
            return self._once(name)
        inside = [one for one in wanted or () if f"{name}.{one}" in self._shared]
        if inside:
            package = ModuleType(name)
            package.__dict__.update({one: self._once(f"{name}.{one}") for one in inside})
            return package
        return builtins.__import__(name, given, local, wanted, level)

    def _once(self, name: str) -> ModuleType:
        if name not in self._run:
            self._run[name] = self.run(name, self._shared[name])
        return self._run[name]
