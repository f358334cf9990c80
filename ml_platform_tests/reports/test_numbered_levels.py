"""A level that is shown by its number is given its size, and how to have it named is said."""

from __future__ import annotations

from pathlib import Path

from ml_platform.core.measurement import Measurement
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.world import measurements, world


def test_numbered_levels_are_explained_by_their_share_of_the_rows(tmp_path: Path) -> None:
    found = [
        *measurements(),
        Measurement(metric="slice_auc", subject="work=level 7", value=0.7, n=60),
        Measurement(metric="slice_auc", subject="work=level 5", value=0.7, n=210),
    ]
    html = world(FakeStore(tmp_path), found).file("html")
    assert "work: level 5 is 70%, level 7 is 20%; smaller levels aren" in html
    assert "unless the contract declares them under `levels`" in html


def test_without_numbered_levels_nothing_is_said_of_them(tmp_path: Path) -> None:
    assert "are numbered" not in world(FakeStore(tmp_path)).file("html")
