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
from ml_platform_tests.stages.made_again import Rows, rows_of, version_on

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


# The smallest table first: of a small count it is the one that is drilled.
FILES = sorted(discover(ROOT / "ml_platform" / "defs"), key=lambda path: path.parent.name, reverse=True)


@pytest.mark.drill
def test_every_version_of_every_shipped_model_is_identical_in_a_fresh_process(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    count = drill_count(1, 50)
    settings = Settings(home=tmp_path, mlflow_uri=f"sqlite:///{tmp_path / 'm.db'}", actor="robin", defs=None, only=())
    rows: dict[str, Rows] = {}
    with open_platform(settings) as platform:
        made = [again(platform, rows, number) for number in range(count)]
    assert len({one.candidate.model_digest for one in made}) == count
    assert {one.model for one in made} == {path.parent.name for path in FILES[:count]}


def again(platform: Platform, rows: dict[str, Rows], number: int) -> ReleaseRecord:
    """Register a version, on the rows of the model's first one, and make it again from the source on."""
    spec = varied(load_model(FILES[number % len(FILES)], now=NOW).spec, number)
    before = platform.ledger.releases(spec.model)
    if spec.model not in rows:
        rows[spec.model] = rows_of(spec, platform)
    champion = before[-1] if before else None
    release = version_on(rows[spec.model], spec, platform, root=ROOT, champion=champion)
    found = reproduce(read_version(platform.store, platform.ledger, release), Way(), store=platform.store)
    assert found.identical, found
    assert found.notes == ()
    return release


def varied(spec: ModelSpec, number: int) -> ModelSpec:
    """Return the model with another seed, other leaves and few rounds: what is drilled is the path, not the model."""
    parameters = {**spec.learner.parameters, "num_leaves": 7 + number}
    change = {"seed": number, "rounds": min(spec.learner.rounds, 30), "parameters": parameters}
    return spec.model_copy(update={"learner": spec.learner.model_copy(update=change)})
