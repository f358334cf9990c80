"""The tutorial on a release, taken for real: with the small model always, with the page's own in `make drills`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform_tests.docs.pages import prose
from ml_platform_tests.docs.tutorial import PAGE, SERVE, steps, walk_in


@pytest.mark.parametrize("model", ["parcels", pytest.param("flights", marks=pytest.mark.drill)])
def test_every_step_of_the_tutorial_does_what_is_told(
    tmp_path: Path, model: str, request: pytest.FixtureRequest
) -> None:
    if model == "flights" and request.config.getoption("drills") != "full":
        pytest.skip("takes minutes: `make drills`")
    with walk_in(tmp_path, model) as walk:
        walk.take(steps(model))
        history = walk.told.partition("was barred: its files were altered")[2]
    for name in ("tom", "kim", "rita"):
        assert name in history, f"the audit doesn't name {name}:\n{history}"


def test_the_service_is_started_as_the_page_says() -> None:
    assert f"`{SERVE}`" in prose(PAGE)
