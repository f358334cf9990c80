"""Code: features modules written for one test."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from uuid import uuid4

from ml_platform.stages.features_module import FeaturesModule, load_features
from ml_platform_tests.stages.parcels import parcel_spec

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    import pytest


def module_of(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Write the code as a module that can be imported during this test."""
    return importlib.import_module(written(code, folder, monkeypatch))


def written(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write the code as a module and return its name, without importing it."""
    name = f"written_{uuid4().hex}"
    (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    return name


def features_of(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FeaturesModule:
    """Load the code as a features module."""
    return load_features(parcel_spec(folder, features=module_of(code, folder, monkeypatch).__name__))
