"""Rebuildable: whether all that a version can be made again from is kept with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, PlatformError
from ml_platform.core.measurement import Measurement
from ml_platform.stages.bundle import read_verified
from ml_platform.stages.conditions import missing_conditions
from ml_platform.stages.kept_environment import read_kept
from ml_platform.stages.platform_code import read_platform
from ml_platform.stages.recipe import Recipe, keep_recipe, read_recipe

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore, Ledger
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.ingredients import Ingredients


def measure_rebuildable(
    spec: ModelSpec, store: ArtefactStore, ledger: Ledger, parts: Ingredients, *, actor: str, now: dt.datetime
) -> Measurement:
    """Keep a candidate's recipe and measure whether it can be made again: every ingredient kept, whole, as it was."""
    try:
        recipe = keep_recipe(spec, store, ledger, parts, actor=actor, now=now)
    except PlatformError as error:
        return _measured(["the recipe can't be kept: " + str(error)], n=0)
    return look_over(store, recipe)


def look_over(store: ArtefactStore, digest: str) -> Measurement:
    """Measure whether every ingredient of a kept recipe is there, whole and as it was."""
    flaws, looked = [], 0
    for look in _looks(store, digest):
        looked += 1
        try:
            look()
        except PlatformError as error:
            flaws.append(str(error))
    return _measured(flaws, n=looked, recipe=digest)


def _measured(flaws: list[str], *, n: int, **facts: str) -> Measurement:
    told = {**facts, "flaws": "; ".join(flaws)} if flaws else facts
    return Measurement(metric="rebuildable", value=float(not flaws), n=n, unit="fact", facts=told)


def _looks(store: ArtefactStore, digest: str) -> Iterator[Callable[[], object]]:
    """Yield what reads each ingredient as a whole and raises when it isn't there as it was."""
    try:
        recipe, _ = read_recipe(store, digest)
    except PlatformError:
        yield lambda: read_recipe(store, digest)
        return
    made, conditions = recipe.ingredients, recipe.ingredients.model.conditions
    yield lambda: _require_recorded(recipe)
    yield lambda: read_platform(store, _named(conditions.platform_digest, "the platform's code"))
    yield lambda: read_kept(store, _named(conditions.environment_digest, "the environment"))
    yield lambda: store.read("snapshots", made.snapshot.digest, "data.parquet")
    yield lambda: read_verified(store, made.model.digest)
    if recipe.champion is not None:
        rival = recipe.champion.candidate
        yield lambda: read_verified(store, rival.model_digest)
        yield lambda: store.read("splits", rival.split_digest, "split.json")
    elif made.evaluation.champion_digest:
        yield lambda: _named("", f"the champion {short(made.evaluation.champion_digest)} that it was compared with")


def _require_recorded(recipe: Recipe) -> None:
    missing = missing_conditions(recipe.ingredients.model.conditions)
    if missing:
        model = recipe.ingredients.model.model
        message = f"{model}: {', '.join(missing)} of its training aren't recorded; they are needed; train it again"
        raise DataInvalid(message)


def _named(digest: str, what: str) -> str:
    if not digest:
        raise DataInvalid(f"recipe: {what} isn't recorded; it is needed to make the version again; train it again")
    return digest
