"""Reproduce: make a registered version again in a fresh process and compare every stage with its record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from ml_platform.core.digest import short
from ml_platform.core.errors import Unavailable
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.reproduction import Difference, Kind, Reproduction, StageMade, StageState
from ml_platform.stages.differences import (
    NOTHING,
    data_differences,
    environment_differences,
    features_differences,
    hardware_differences,
    parameter_differences,
    platform_differences,
    tuning_differences,
)
from ml_platform.stages.environment import LOCK, Environment
from ml_platform.stages.kept_environment import read_kept
from ml_platform.stages.platform_code import platform_digest, platform_files, read_platform
from ml_platform.stages.pseudonymise import direct_columns
from ml_platform.stages.rebuild import Order, spec_of
from ml_platform.stages.rebuild_process import Artefact, Heard, Kitchen, run_rebuild
from ml_platform.stages.recipe import Recipe, recipe_of
from ml_platform.stages.stage_parts import STAGES
from ml_platform.stages.tuned import settle

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore, Ledger

_ORDER = (Kind.DATA, Kind.CODE, Kind.PARAMETERS, Kind.ENVIRONMENT, Kind.HARDWARE)


class Run(Protocol):
    """Makes everything again somewhere and returns what was said."""

    def __call__(self, order: Order, kitchen: Kitchen, *, store: ArtefactStore) -> Heard:
        """Make everything again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A model as it is now: its file, and the code of its features, named as in a model artefact."""

    spec: Mapping[str, Any]
    code: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything that was kept of how a version was made, read and verified."""

    release: ReleaseRecord
    recipe: Recipe
    code: Mapping[str, bytes]
    environment: Environment
    lock: Mapping[str, bytes]
    platform: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a version is made again: as recorded or with what is `present`, by which interpreter, in which environment.

    `erased` says that persons were erased since: the source still holds their rows, and the stored snapshot doesn't.
    """

    present: Present | None = None
    with_present: bool = False
    python: str = ""
    environment: str = "this one"
    erased: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


def read_version(store: ArtefactStore, ledger: Ledger, release: ReleaseRecord) -> Kept:
    """Read what a version was made from; NotEnoughEvidence, DataInvalid or Unavailable name what is missing."""
    recipe, code = recipe_of(store, ledger, release)
    conditions = recipe.ingredients.model.conditions
    environment, lock = read_kept(store, conditions.environment_digest)
    platform = read_platform(store, conditions.platform_digest)
    return Kept(release=release, recipe=recipe, code=code, environment=environment, lock=lock, platform=platform)


def reproduce(kept: Kept, way: Way, *, store: ArtefactStore, run: Run | None = None) -> Reproduction:
    """Make a version again, stage by stage, until one differs; nothing is written but in a folder that vanishes.

    Raises Unavailable when no process can be started or something around it, as a full disk, hinders a stage.

    As recorded: recorded model file, features and platform code run; a source that changed is replaced by the stored
    snapshot. With what is present: the model file, the features, the platform's code and the source of now.
    """
    heard = (run or run_rebuild)(_order(kept, way), _kitchen(kept, way, store), store=store)
    if heard.about is None:
        raise Unavailable(
            f"{kept.release.model} v{kept.release.version}: {heard.ended or 'the fresh process said nothing'}; it has "
            "to start with the recorded code; look whether the packages of the record are installed, or try "
            "--fresh-environment"
        )
    hindered = next((one for one in heard.made if one.hindered), None)
    if hindered is not None:
        raise Unavailable(f"{kept.release.model} v{kept.release.version}: {hindered.stage}: {hindered.failure}")
    stages = tuple(_compared(kept, heard))
    applied, since = _differences(kept, way, heard)
    found = Reproduction(
        model=kept.release.model,
        version=kept.release.version,
        made_from="what is present" if way.with_present else "its record",
        environment=way.environment,
        stages=stages,
    )
    first = found.first
    if first is None:
        return replace(found, notes=(*applied, *since))
    reasons = tuple(one for one in applied if _can_explain(one, first.stage))
    notes = tuple(one for one in applied if one not in reasons)
    return replace(found, reasons=reasons or (_unexplained(kept, first),), notes=(*notes, *since))


def _order(kept: Kept, way: Way) -> Order:
    made, conditions = kept.recipe.ingredients, kept.recipe.ingredients.model.conditions
    present = _as_it_trains(kept, way.present) if way.with_present and way.present else None
    why = "" if present else _why_stored(kept.recipe, erased=way.erased)
    return Order(
        spec=present or kept.recipe.spec,
        source="stored" if why else "present" if present else "recorded",
        why_stored=why,
        fingerprint=made.source,
        snapshot=made.snapshot,
        as_of=made.snapshot.as_of,
        champion=kept.recipe.champion,
        commit=conditions.git_commit or "not recorded",
        expected=kept.recipe.parts,
        profile=None if present else made.evaluation.profile,
    )


def _as_it_trains(kept: Kept, present: Present) -> Mapping[str, Any]:
    """Return the model file of now; where it asks for a study as then, with the parameters that were chosen then."""
    if kept.recipe.tuning is None or present.spec.get("tuning") is None:
        return present.spec
    return settle(spec_of(present.spec), kept.recipe.ingredients.model.tuned).model_dump(mode="json")


def _why_stored(recipe: Recipe, *, erased: bool) -> str:
    """Say why the source isn't read again though it may be the same; empty when it can be."""
    spec = spec_of(recipe.spec)
    if direct_columns(spec):
        return "columns that name persons are stored as tokens, which only their own home can make"
    if erased:
        return "persons were erased since"
    if any(getattr(table, "incremental", None) for table in spec.source.tables.values()):
        return "its incremental tables hold what was kept of earlier readings"
    return ""


def _kitchen(kept: Kept, way: Way, store: ArtefactStore) -> Kitchen:
    conditions = kept.recipe.ingredients.model.conditions
    # A fresh environment holds what the platform needs and not the platform itself.
    ours = way.with_present or (not way.python and conditions.platform_digest == platform_digest())
    waiting = {"OMP_WAIT_POLICY": conditions.waiting} if conditions.waiting else {}
    kitchen = Kitchen(
        code=way.present.code if way.with_present and way.present else kept.code,
        platform=None if ours else kept.platform,
        lock={LOCK: kept.lock[LOCK]} if LOCK in kept.lock else {},
        artefacts=tuple(_artefacts(kept.recipe, store)),
        variables={**waiting, **way.variables},
    )
    return replace(kitchen, python=way.python) if way.python else kitchen


def _artefacts(recipe: Recipe, store: ArtefactStore) -> Iterator[Artefact]:
    """Yield what the child may need: the stored snapshot, and of the champion its model, split and snapshot."""
    wanted = {("snapshots", recipe.ingredients.snapshot.digest)}
    if recipe.champion is not None:
        rival = recipe.champion.candidate
        wanted |= {
            ("models", rival.model_digest), ("splits", rival.split_digest), ("snapshots", rival.snapshot_digest),
        }  # fmt: skip
    yield from sorted(one for one in wanted if store.has(*one))


def _compared(kept: Kept, heard: Heard) -> Iterator[StageMade]:
    made = {one.stage: one for one in heard.made}
    over = False
    for stage in STAGES:
        one = made.get(stage)
        if one is None:
            crashed = heard.ended and not over
            yield StageMade(
                stage=stage,
                state=StageState.FAILED if crashed else StageState.NOT_REACHED,
                note=heard.ended * bool(crashed),
            )
            over = True
            continue
        expected = kept.recipe.parts[stage]
        parts = tuple(name for name in {**expected, **one.parts} if expected.get(name) != one.parts.get(name))
        if one.stored:
            yield StageMade(stage=stage, state=StageState.STORED, note=one.note)
        elif one.failure:
            over = True
            yield StageMade(stage=stage, state=StageState.FAILED, note=one.failure)
        else:
            over = over or bool(parts)
            state = StageState.DIFFERS if parts else StageState.IDENTICAL
            yield StageMade(stage=stage, state=state, parts=parts, note=one.note or _chosen(kept, stage))


def _chosen(kept: Kept, stage: str) -> str:
    """Say what a tuned model was trained with; empty for every other stage and model."""
    model = kept.recipe.ingredients.model
    if stage != "model" or not model.tuning_digest:
        return ""
    said = ", ".join(f"{name} {value}" for name, value in model.tuned.items()) or "the model file's own parameters"
    return f"with what the study {short(model.tuning_digest)} chose: {said}; nothing is searched again"


def _differences(kept: Kept, way: Way, heard: Heard) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Return the differences that the making was under, and those that came since and had no part in it."""
    conditions = kept.recipe.ingredients.model.conditions
    applied: list[Difference] = []
    if heard.about is not None:
        applied += environment_differences(kept.environment, conditions, heard.about)
        applied += hardware_differences(conditions, heard.about)
    source = next((one for one in heard.made if one.stage == "source"), None)
    changed = list(data_differences(kept.recipe.parts["source"], source.parts)) if source and source.parts else []
    changed += _changed_since(kept, way.present)
    mine, others = (applied + changed, []) if way.with_present else (applied, changed)
    return _ordered(mine), _ordered(others)


def _changed_since(kept: Kept, present: Present | None) -> Iterator[Difference]:
    if kept.recipe.ingredients.model.conditions.platform_digest != platform_digest():
        yield from platform_differences(kept.platform, platform_files())
    if present is not None:
        yield from features_differences(kept.code, present.code, str(kept.recipe.spec["features"]))
        yield from parameter_differences(kept.recipe.spec, _as_it_trains(kept, present))
        yield from tuning_differences(kept.recipe.tuning, present.spec.get("tuning"))


def _ordered(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(sorted(found, key=lambda one: _ORDER.index(one.kind)))


def _can_explain(difference: Difference, stage: str) -> bool:
    """Say whether a difference can be why a stage differs whose predecessors are identical."""
    if stage == "source":
        return difference.kind is Kind.DATA or difference.text.startswith("source.")
    if difference.kind is Kind.DATA:
        return stage == "snapshot"
    return difference.since != NOTHING and STAGES.index(difference.since) <= STAGES.index(stage)


def _unexplained(kept: Kept, first: StageMade) -> Difference:
    if first.state is StageState.FAILED and first.stage == "source":
        return Difference(kind=Kind.DATA, text="the source can't be read", since=first.stage)
    word = "fails" if first.state is StageState.FAILED else "differs"
    text = (
        f"{first.stage} {word} though nothing differs that is recorded; `ml-platform doctor {kept.release.model}` says "
        "what isn't deterministic"
    )
    return Difference(kind=Kind.UNKNOWN, text=text, since=first.stage)
