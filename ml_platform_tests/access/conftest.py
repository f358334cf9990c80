"""One guarded web server for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_platform_tests.access.world import World, world_in

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("web")) as world:
        yield world
