"""Recipe: all that a version can be made again from, kept with it by digest, and named by the ledger."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, NotEnoughEvidence
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.scoring import artefact_digest, code_of
from ml_platform.stages.ingredients import Ingredients
from ml_platform.stages.stage_parts import (
    Parts,
    evaluation_parts,
    features_parts,
    model_parts,
    snapshot_parts,
    source_parts,
    split_parts,
)
from ml_platform.stages.tuned import settle

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore, Ledger
    from ml_platform.policy.spec import ModelSpec

KIND = "recipes"
KEPT = "recipe_kept"
_RECIPE = "recipe.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a version was made: model file, records, champion of the time, and what each stage made, part by part.

    The order of the model file's entries counts: it is that of the columns. Where it asked for a study, the parameters
    that this chose stand in their place: nothing is searched again. `tuning` is what it asked for.
    """

    schema_version: int = 1
    spec: Mapping[str, Any]
    ingredients: Ingredients
    champion: ReleaseRecord | None = None
    parts: Mapping[str, Parts] = field(default_factory=dict)
    tuning: Mapping[str, Any] | None = None


def keep_recipe(
    spec: ModelSpec, store: ArtefactStore, ledger: Ledger, parts: Ingredients, *, actor: str, now: dt.datetime
) -> str:
    """Keep the recipe of a candidate, have the ledger name it, and return its digest.

    Raises DataInvalid or Unavailable when the candidate's model or evaluation isn't in the store as it was made.
    """
    recipe = Recipe(
        spec=settle(spec, parts.model.tuned).model_dump(mode="json"),
        ingredients=parts,
        champion=_champion(store, ledger, parts),
        parts={
            "source": source_parts(parts.source),
            "snapshot": snapshot_parts(parts.snapshot),
            "split": split_parts(parts.split),
            "features": features_parts(parts.features),
            "model": model_parts(store, parts.model),
            "evaluation": evaluation_parts(store, parts.evaluation),
        },
        tuning=spec.tuning.model_dump(mode="json") if spec.tuning else None,
    )
    model = {name: store.read("models", parts.model.digest, name) for name in store.names("models", parts.model.digest)}
    files = {_RECIPE: msgspec.json.encode(recipe), **code_of(model)}
    digest = _digest(files)
    store.put(KIND, digest, files)
    subject = _subject(parts.model.model, parts.candidate.digest)
    last = ledger.last(KEPT, subject=subject)
    if last is None or last.payload.get("recipe") != digest:
        ledger.append(KEPT, actor=actor, subject=subject, payload={"recipe": digest}, at=now)
    return digest


def recipe_of(store: ArtefactStore, ledger: Ledger, release: ReleaseRecord) -> tuple[Recipe, Mapping[str, bytes]]:
    """Return a version's recipe with the code of its features; NotEnoughEvidence when it was never kept."""
    kept = ledger.last(KEPT, subject=_subject(release.model, release.candidate.digest))
    if kept is None:
        message = (
            f"{release.model} v{release.version}: how it was made is not recorded; an earlier version of the platform "
            "released it, and kept no recipe to make it again from; release the model again"
        )
        raise NotEnoughEvidence(message)
    return read_recipe(store, str(kept.payload.get("recipe", "")))


def read_recipe(store: ArtefactStore, digest: str) -> tuple[Recipe, Mapping[str, bytes]]:
    """Return a recipe with the features' source and what that shares, named as in a model artefact.

    Raises DataInvalid unless it is what was kept, Unavailable when it is gone.
    """
    files = {name: store.read(KIND, digest, name) for name in store.names(KIND, digest)}
    where = f"recipe {short(digest)}"
    if _digest(files) != digest:
        raise DataInvalid(f"{where}: its files aren't those that were kept; exactly these are needed; restore them")
    try:
        recipe = msgspec.json.decode(files[_RECIPE], type=Recipe)
    except (msgspec.MsgspecError, KeyError) as error:
        message = f"{where}: this version of the platform can't read it ({error}); update the platform, or restore it"
        raise DataInvalid(message) from error
    if recipe.schema_version != 1:
        raise DataInvalid(f"{where}: schema version {recipe.schema_version}, known: 1; update the platform")
    return recipe, code_of(files)


def _champion(store: ArtefactStore, ledger: Ledger, parts: Ingredients) -> ReleaseRecord | None:
    """Return the version that the candidate was measured against; of several with one model the one that was told."""
    rival = parts.evaluation.champion_digest
    found = [one for one in ledger.releases(parts.model.model) if one.candidate.model_digest == rival]
    if not rival or not found:
        return None
    content = store.read("evaluations", parts.evaluation.digest, "measurements.json")
    measured = msgspec.json.decode(content, type=list[Measurement])
    told = {one.facts.get("champion_version") for one in measured}
    return next((one for one in found if one.version in told), found[-1])


def _subject(model: str, candidate: str) -> str:
    return f"{model}/{candidate}"


def _digest(files: Mapping[str, bytes]) -> str:
    return artefact_digest({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
