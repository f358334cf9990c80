"""A home with a live model, and an application that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform_tests.serving.asking import Asker, asking
from ml_platform_tests.serving.small_model import make_live, put_model


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home where version 1 of the small model is live in staging."""
    make_live(tmp_path, put_model(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Return an application for tests that change nothing."""
    folder = tmp_path_factory.mktemp("home")
    make_live(folder, put_model(folder))
    with asking(folder) as asker:
        yield asker
