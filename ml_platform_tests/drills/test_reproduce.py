"""Versions of every shipped model, each with a seed of its own and the one before as its champion, are made again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.core.records import ReleaseRecord
from ml_platform.policy.load import discover, load_model
from ml_platform.policy.spec import ModelSpec
from ml_platform.settings import Settings
from ml_platform.stages.reproduce import Way, read_version, reproduce
from ml_platform_tests.docs.pages import ROOT
from ml_platform_tests.stages.made_again import version_of

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.drill
def test_every_version_of_every_shipped_model_is_identical_in_a_fresh_process(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    count = drill_count(0, 50)
    if not count:
        pytest.skip("takes minutes: `make drills`")
    files = discover(ROOT / "ml_platform" / "defs")
    settings = Settings(home=tmp_path, mlflow_uri=f"sqlite:///{tmp_path / 'm.db'}", actor="robin", defs=None, only=())
    with open_platform(settings) as platform:
        made = [again(platform, files, number) for number in range(count)]
    assert len(made) == count


def again(platform: Platform, files: list[Path], number: int) -> ReleaseRecord:
    """Register a version, and make it again."""
    spec = load_model(files[number % len(files)], now=NOW).spec
    before = platform.ledger.releases(spec.model)
    release = version_of(seeded(spec, number), platform, root=ROOT, champion=before[-1] if before else None)
    found = reproduce(read_version(platform.store, platform.ledger, release), Way(), store=platform.store)
    assert found.identical, found
    assert found.notes == ()
    return release


def seeded(spec: ModelSpec, seed: int) -> ModelSpec:
    """Return the model with another seed and few rounds: what is drilled is the path, not the model."""
    change: dict[str, object] = {"seed": seed, "rounds": min(spec.learner.rounds, 30)}
    return spec.model_copy(update={"learner": spec.learner.model_copy(update=change)})
