"""Putting back: what a tracker shows is compared with the ledger; what somebody else wrote there is undone and audited.

Aliases named as environments, the tags of a release and the versions themselves are the platform's to write. Nothing
that is served depends on them: they only have to be true for who looks.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ml_platform.core.errors import Unavailable
from ml_platform.core.ports import Ledger, Registry, Tracker
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.shown import GOVERNED_TAGS, ShownModel, ShownVersion, release_tags
from ml_platform.stages.versions import ENVIRONMENTS

ACTION = "foreign_write_put_back"
MOST_NAMED = 20
_NO_STAGE = {"", "None"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """One thing that isn't what the ledger says, in words without the values found, and what puts it back."""

    what: str
    undo: Callable[[], object] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """What was found and put back, and what couldn't be."""

    found: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """Where a model is shown; `settle` shows what is still pending and returns how many deployments that was."""

    ledger: Ledger
    tracker: Tracker
    registry: Registry
    settle: Callable[[], int]


def look(showing: Showing, model: str) -> tuple[str, ...]:
    """Return what differs from the ledger, in words; nothing is changed. Raises Unavailable."""
    return tuple(one.what for one in _settled(showing, model))


def put_back(showing: Showing, model: str, *, now: dt.datetime) -> PutBack:
    """Undo what somebody else wrote, and write down what it was; nothing found writes nothing.

    The tracker keeps no author of aliases and tags, so none is named. Call it where nobody else shows deployments
    meanwhile. A tracker that can't be reached is a problem in the answer, no error.
    """
    found: list[str] = []
    problems: list[str] = []
    try:
        # Versions first: what was deleted is shown anew under another number, at which aliases then have to point.
        for kinds in (_foreign_tags, _foreign_versions, _foreign_aliases):
            for one in _settled(showing, model, kinds):
                found.append(one.what)
                one.undo()
    except Unavailable as error:
        problems.append(str(error))
    found = list(dict.fromkeys(found))
    if found:
        showing.ledger.append(
            ACTION,
            actor="ml_platform",
            subject=model,
            at=now,
            payload={
                "found": found[:MOST_NAMED],
                "more": max(len(found) - MOST_NAMED, 0),
                "by": "unknown",
                "put_back": not problems,
            },
        )
    return PutBack(found=tuple(found), problems=tuple(problems))


_Look = Callable[[Showing, str, ShownModel], Iterator[Foreign]]


def _all(showing: Showing, model: str, shown: ShownModel) -> Iterator[Foreign]:
    for kinds in (_foreign_tags, _foreign_versions, _foreign_aliases):
        yield from kinds(showing, model, shown)


def _settled(showing: Showing, model: str, kinds: _Look = _all) -> list[Foreign]:
    """Return what differs once nothing is pending: a deployment on its way is no foreign write."""
    showing.settle()
    while True:
        found = list(kinds(showing, model, showing.registry.shown(model)))
        if not found or showing.settle() == 0:
            return found


def _foreign_tags(showing: Showing, model: str, shown: ShownModel) -> Iterator[Foreign]:
    """Yield tags that differ on versions that are ours, and the platform's tags on everything else."""
    ours, waiting = _ours(showing.ledger, model, shown)
    registry = showing.registry
    if taken := sorted(GOVERNED_TAGS & shown.tags.keys()):
        yield Foreign(
            what=f"the model itself had the platform's tags {', '.join(taken)}; they belong to versions",
            undo=partial(registry.untag_model, model, taken),
        )
    release_of = {version.number: release for release, version in ours.items()}
    for version in shown.versions:
        if version.number in waiting:
            continue
        release = release_of.get(version.number)
        wanted = release_tags(release) if release is not None else {}
        wrong: dict[str, str | None] = {
            name: wanted.get(name)
            for name in sorted(GOVERNED_TAGS | wanted.keys())
            if version.tags.get(name) != wanted.get(name)
        }
        whose = (
            f"v{release.version} (MLflow's {version.number})" if release else f"MLflow's {version.number}, no release"
        )
        for name, right in wrong.items():
            yield Foreign(
                what=f"tag {name} of {whose} was {_trace(version.tags.get(name))}; {_trace(right)} is right",
                undo=partial(registry.tag, model, version.number, {name: right}),
            )
        if version.stage not in _NO_STAGE:
            yield Foreign(
                what=f"{whose} was in MLflow's stage {_plain(version.stage)}; the platform uses none",
                undo=partial(registry.unstage, model, version.number),
            )


def _foreign_versions(showing: Showing, model: str, shown: ShownModel) -> Iterator[Foreign]:
    """Yield releases that were shown and aren't any more."""
    ours, _ = _ours(showing.ledger, model, shown)
    for release, run_id in _shown_releases(showing.ledger, model).items():
        if release not in ours:
            yield Foreign(
                what=f"v{release.version} was gone",
                undo=partial(showing.tracker.project_release, release, run_id),
            )


def _foreign_aliases(showing: Showing, model: str, shown: ShownModel) -> Iterator[Foreign]:
    """Yield aliases named as environments, however they are written, that don't point at what is live there."""
    ours, _ = _ours(showing.ledger, model, shown)
    numbers = {release.version: version.number for release, version in ours.items()}
    versions = {number: version for version, number in numbers.items()}
    registry = showing.registry
    unshown = {release.version for release in showing.ledger.releases(model)} - {
        release.version for release in _shown_releases(showing.ledger, model)
    }
    right: dict[str, int | None] = {}
    for environment in ENVIRONMENTS:
        live = showing.ledger.live(model, environment)
        if live is None or live.version not in unshown:  # else its alias waits for it
            right[environment] = numbers.get(live.version) if live else None
    alike = {alias: None for alias in sorted(shown.aliases) if _is_alike(alias)}
    for alias, wanted in {**alike, **right}.items():
        there = shown.aliases.get(alias)
        if there == wanted:
            continue
        what = f"alias {_plain(alias)} {_pointed(there, versions)}; {_pointed(wanted, versions)} is right"
        if wanted is None:
            yield Foreign(what=what, undo=partial(registry.unpoint, model, alias))
        else:
            yield Foreign(what=what, undo=partial(registry.point, model, alias, wanted))


def _shown_releases(ledger: Ledger, model: str) -> dict[ReleaseRecord, str]:
    """Return the releases that were shown, each with the run it was shown with."""
    found = {}
    for release in ledger.releases(model):
        entry = ledger.last("release_shown", subject=f"{release.model} v{release.version}")
        if entry is not None:
            found[release] = str(entry.payload.get("run_id", ""))
    return found


def _ours(ledger: Ledger, model: str, shown: ShownModel) -> tuple[dict[ReleaseRecord, ShownVersion], set[int]]:
    """Return the version that shows each release, and the numbers of those that are being shown just now.

    A version is known by what no one can edit in it: its run, and that it lies where its run's model lies. Its tags
    only tell several versions of one run apart, first the untouched ones.
    """
    releases = ledger.releases(model)
    runs = _shown_releases(ledger, model)
    free = {version.number: version for version in shown.versions if version.genuine}
    ours: dict[ReleaseRecord, ShownVersion] = {}
    digests = {release.evidence_digest for release in releases if release not in runs}
    waiting = {number for number, version in free.items() if version.tags.get("evidence_digest") in digests}
    for fits in (_has_its_digest, _is_of_its_run):
        for release, run_id in runs.items():
            if release in ours:
                continue
            same_run = (one for one in free.values() if one.run_id == run_id and one.number not in waiting)
            chosen = next((one for one in same_run if fits(release, one)), None)
            if chosen is not None:
                ours[release] = free.pop(chosen.number)
    return ours, waiting


def _has_its_digest(release: ReleaseRecord, version: ShownVersion) -> bool:
    return version.tags.get("evidence_digest") == release.evidence_digest


def _is_of_its_run(_release: ReleaseRecord, _version: ShownVersion) -> bool:
    return True


def _is_alike(alias: str) -> bool:
    """Say whether an alias can be taken for an environment's name without being it."""
    return alias not in ENVIRONMENTS and alias.strip().casefold() in ENVIRONMENTS


def _trace(value: str | None) -> str:
    """Return by what a value can be known again without telling it: whoever wrote it may have written anything."""
    return "missing" if value is None else f"one with SHA-256 {hashlib.sha256(value.encode()).hexdigest()[:12]}"


def _plain(text: str) -> str:
    return repr(text[:60])


def _pointed(number: int | None, versions: Mapping[int, int]) -> str:
    if number is None:
        return "nothing"
    return f"v{versions[number]}" if number in versions else f"MLflow's {number}, which is no release"
