"""Changes: what is different between two versions of a model, from what was recorded when each was made."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ml_platform.core.change_log import ChangeLog, Topic, Topical
from ml_platform.core.digest import short
from ml_platform.core.errors import PlatformError
from ml_platform.core.measurement import Measurement, number_text
from ml_platform.core.records import Conditions, Evidence, ReleaseRecord
from ml_platform.stages.bundle import read_verified
from ml_platform.stages.evidence import read_evidence
from ml_platform.stages.recipe import Recipe, recipe_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_platform.core.ports import ArtefactStore, Ledger

T = TypeVar("T")
MOST_LINES = 30
GAINS = frozenset({"roc_auc_difference", "gain_over_champion"})
_SECTIONS: Mapping[str, Topic] = {
    "source": "data", "contract": "data", "rules": "data", "split": "data", "features": "features",
    "learner": "parameters", "tuning": "parameters", "compute": "environment", "resources": "environment",
    "policy": "policy", "expectations": "policy", "evaluation": "policy", "deployment": "policy",
    "monitoring": "policy",
}  # fmt: skip
_DIGESTS: Mapping[Topic, tuple[str, ...]] = {
    "data": ("source", "snapshot", "split"),
    "features": ("code", "features"),
    "parameters": ("parameters",),
    "environment": ("environment",),
}
_CONDITIONS = ("learner_version", "python", "cpu", "system", "engine", "platform_digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One version with what is left of its records; None is what is missing, and `why` says so."""

    release: ReleaseRecord
    recipe: Recipe | None
    code: Mapping[str, bytes]
    evidence: Evidence | None
    packages: tuple[str, ...]
    measured: tuple[Measurement, ...]
    why: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"v{self.release.version}"


def earlier_version(store: ArtefactStore, ledger: Ledger, release: ReleaseRecord) -> ReleaseRecord | None:
    """Return what a version is best compared with: the champion it was measured against, else the one before it."""
    recipe = _kept(lambda: recipe_of(store, ledger, release), [])
    if recipe is not None and recipe[0].champion is not None:
        return recipe[0].champion
    return ledger.release(release.model, release.version - 1)


def changes_between(
    store: ArtefactStore, ledger: Ledger, release: ReleaseRecord, since: ReleaseRecord | None
) -> ChangeLog:
    """Say what a version changes against an earlier one; nothing is guessed, and what isn't on record is named."""
    after = _side(store, ledger, release)
    about = {"model": release.model, "version": release.version, "evidence_digest": release.evidence_digest}
    if since is None:
        first = Topical(topic="data", changes=tuple(_first(after)), missing=after.why)
        return ChangeLog(**about, since=None, topics=(first,))  # type: ignore[arg-type]
    before = _side(store, ledger, since)
    gains = tuple(_gains(before, after))
    found: dict[Topic, list[str]] = {
        topic: [] for topic in ("data", "features", "parameters", "environment", "policy", "model file")
    }
    for topic, names in _DIGESTS.items():
        found[topic] += _digests(before, after, names)
    if before.recipe and after.recipe:
        found["data"] += _data(before.recipe, after.recipe)
        found["features"] += _features(before, after)
        found["environment"] += _environment(before, after)
        for path, line in _model_file(before.recipe, after.recipe):
            found[_SECTIONS.get(path, "model file")].append(line)
    found["policy"] += _policy(before, after)
    missing = tuple(dict.fromkeys((*before.why, *after.why)))
    topics = [Topical(topic=topic, changes=_cut(lines), missing=missing) for topic, lines in found.items()]
    effect = Topical(
        topic="effect", changes=_cut(list(_effect(before, after))), missing=_no_gains(before, after, gains)
    )
    return ChangeLog(**about, since=since.version, topics=(*topics, effect), gains=gains)  # type: ignore[arg-type]


def _side(store: ArtefactStore, ledger: Ledger, release: ReleaseRecord) -> _Side:
    why: list[str] = []
    found = _kept(lambda: recipe_of(store, ledger, release), why)
    digest = release.candidate.evaluation_digest
    packages = _kept(lambda: _packages(store, release), why)
    measured = _kept(
        lambda: msgspec.json.decode(store.read("evaluations", digest, "measurements.json"), type=list[Measurement]), why
    )
    evidence = _kept(lambda: read_evidence(store, release.evidence_digest), why)
    return _Side(
        release=release, recipe=found[0] if found else None, code=found[1] if found else {}, evidence=evidence,
        packages=packages or (), measured=tuple(measured or ()), why=tuple(f"v{release.version}: {one}" for one in why),
    )  # fmt: skip


def _kept(read: Callable[[], T], why: list[str]) -> T | None:
    """Return what is on record, or None and why not."""
    try:
        return read()
    except PlatformError as error:
        why.append(str(error))
        return None


def _packages(store: ArtefactStore, release: ReleaseRecord) -> tuple[str, ...]:
    content = read_verified(store, release.candidate.model_digest)["environment.json"]
    found = msgspec.json.decode(content, type=dict[str, object]).get("distributions")
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _first(side: _Side) -> Iterator[str]:
    yield f"{side.release.model} {side.name} is the first version: there is nothing to compare it with"
    if side.recipe is not None:
        snapshot = side.recipe.ingredients.snapshot
        yield f"it was made of {snapshot.rows:,} rows with {len(snapshot.columns)} columns ({short(snapshot.digest)})"


def _digests(before: _Side, after: _Side, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        was, now = (getattr(side.release.candidate, f"{name}_digest") for side in (before, after))
        yield f"{name}: the same ({short(now)})" if was == now else f"{name}: {short(was)} → {short(now)}"


def _data(before: Recipe, after: Recipe) -> Iterator[str]:
    was, now = before.ingredients, after.ingredients
    if was.snapshot.rows != now.snapshot.rows:
        change = now.snapshot.rows - was.snapshot.rows
        yield f"rows: {was.snapshot.rows:,} → {now.snapshot.rows:,} ({change:+,})"
    yield from _names("columns", was.snapshot.columns, now.snapshot.columns)
    if was.snapshot.as_of != now.snapshot.as_of:
        yield f"rows before: {was.snapshot.as_of or 'no limit'} → {now.snapshot.as_of or 'no limit'}"
    yield from _values("rows of the part", was.split.rows, now.split.rows)
    yield from _values("time span,", was.split.boundaries, now.split.boundaries)


def _features(before: _Side, after: _Side) -> Iterator[str]:
    if before.recipe and after.recipe:
        was, now = before.recipe.ingredients.features, after.recipe.ingredients.features
        yield from _names("features", was.names, now.names)
        for name in now.names:
            made, making = was.lineage.get(name), now.lineage.get(name)
            if made is not None and making is not None and set(made) != set(making):
                yield f"{name} is made of {', '.join(making)}; before of {', '.join(made)}"
    yield from _names("files of the code", sorted(before.code), sorted(after.code))
    for name in sorted(before.code.keys() & after.code.keys()):
        was_text, now_text = (side.code[name].decode(errors="replace").splitlines() for side in (before, after))
        lines = difflib.unified_diff(was_text, now_text, n=0, lineterm="")
        diff = [line for line in lines if line[:3] not in {"---", "+++"}]
        added, removed = (sum(line.startswith(sign) for line in diff) for sign in "+-")
        if diff:
            yield f"code of {name}: lines added: {added}, removed: {removed}"


def _environment(before: _Side, after: _Side) -> Iterator[str]:
    if before.recipe and after.recipe:
        was, now = (_conditions(side.recipe.ingredients.model.conditions) for side in (before, after) if side.recipe)
        yield from _values("training", was, now)
    yield from _values("package", _versions(before.packages), _versions(after.packages))


def _conditions(conditions: Conditions) -> dict[str, object]:
    found = {one.name: getattr(conditions, one.name) for one in fields(conditions) if one.name in _CONDITIONS}
    return {**found, "platform_digest": short(conditions.platform_digest)}


def _versions(packages: tuple[str, ...]) -> dict[str, object]:
    return {name: version for name, _, version in (one.rpartition("-") for one in packages)}


def _model_file(before: Recipe, after: Recipe) -> Iterator[tuple[str, str]]:
    """Yield every entry of the model file that differs, with its section; parameters that a study chose among them."""
    was, now = (_flat({**one.spec, "learner": _learner(one)}) for one in (before, after))
    for path in sorted({**was, **now}):
        if was.get(path) != now.get(path):
            yield path.partition(".")[0], f"{path}: {_said(was.get(path))} → {_said(now.get(path))}"


def _learner(recipe: Recipe) -> object:
    learner = recipe.spec.get("learner")
    return {**learner, "rounds_trained": recipe.ingredients.model.rounds} if isinstance(learner, dict) else learner


def _flat(value: object, path: str = "") -> dict[str, object]:
    if isinstance(value, Mapping) and value:
        found: dict[str, object] = {}
        for name, inner in value.items():
            found |= _flat(inner, f"{path}.{name}" if path else str(name))
        return found
    return {path: value}


def _policy(before: _Side, after: _Side) -> Iterator[str]:
    was, now = before.release.policy_digest, after.release.policy_digest
    yield f"policy: the same ({short(now)})" if was == now else f"policy: {short(was)} → {short(now)}"
    if before.evidence and after.evidence:
        limits = [
            {one.gate: f"{one.limit} ({one.severity})" for one in side.verdicts}
            for side in (before.evidence, after.evidence)
        ]
        yield from _values("gate", *limits)


def _effect(before: _Side, after: _Side) -> Iterator[str]:
    """Say the numbers that both versions were judged on, each on its own holdout."""
    if before.evidence is None or after.evidence is None:
        return
    same = before.release.candidate.split_digest == after.release.candidate.split_digest
    where = "on the same holdout" if same else "each on its own holdout, so that the difference isn't theirs alone"
    was, now = (_judged(side.evidence) for side in (before, after) if side.evidence)
    for key in sorted(was.keys() & now.keys()):
        yield f"{key[0]}: {_interval(was[key])} → {_interval(now[key])}, {where}"


def _judged(evidence: Evidence) -> dict[tuple[str, str], Measurement]:
    return {
        (one.worst.metric, one.worst.subject): one.worst
        for one in evidence.verdicts
        if one.control == "METRICS" and one.stage == "evaluation" and one.worst is not None
        and one.worst.low is not None and not one.worst.subject
    }  # fmt: skip


def _gains(before: _Side, after: _Side) -> Iterator[Measurement]:
    """Yield the paired comparisons of exactly these two versions."""
    if after.recipe and after.recipe.champion and after.recipe.champion.version == before.release.version:
        yield from (one for one in after.measured if one.metric in GAINS)


def _no_gains(before: _Side, after: _Side, gains: tuple[Measurement, ...]) -> tuple[str, ...]:
    if gains:
        return ()
    rival = after.recipe.champion if after.recipe else None
    instead = f"it was compared with v{rival.version}" if rival else "it was compared with no champion"
    return (f"{after.name} and {before.name} were never compared on the same rows: {instead}",)


def _names(what: str, was: tuple[str, ...] | list[str], now: tuple[str, ...] | list[str]) -> Iterator[str]:
    for sign, some in (
        ("new", [one for one in now if one not in was]),
        ("gone", [one for one in was if one not in now]),
    ):
        if some:
            yield f"{what}, {sign}: {', '.join(some)}"


def _values(what: str, was: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for name in sorted({**was, **now}):
        if was.get(name) != now.get(name):
            yield f"{what} {name}: {_said(was.get(name))} → {_said(now.get(name))}"


def _said(value: object) -> str:
    match value:
        case None:
            return "not there"
        case float():
            return number_text(value)
        case int() if not isinstance(value, bool):
            return f"{value:,}"
        case _:
            return str(value)[:200]


def _interval(one: Measurement) -> str:
    return f"{number_text(one.value)} [{number_text(one.low)}, {number_text(one.high)}] (n = {one.n:,})"


def _cut(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - MOST_LINES
    return tuple(lines) if more <= 0 else (*lines[:MOST_LINES], f"… and {more} more")
