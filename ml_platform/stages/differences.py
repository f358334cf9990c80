"""Differences: what isn't as a version's record has it, in data, code, parameters, environment and hardware."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ml_platform.core.digest import short
from ml_platform.core.reproduction import Difference, Kind
from ml_platform.core.scoring import shared_module

if TYPE_CHECKING:
    from ml_platform.core.records import Conditions
    from ml_platform.stages.environment import Environment
    from ml_platform.stages.rebuild import About
    from ml_platform.stages.stage_parts import Parts

MOST_SAID = 5
NOTHING = ""  # no stage: what differs makes nothing
_MAKING = frozenset({"core", "learners", "policy", "sources", "stages", "stats"})
# The first stage that a section of the model file can change; others change nothing that is made.
_SECTIONS: Mapping[str, str] = {
    "source": "source",
    "contract": "snapshot",
    "rules": "snapshot",
    "features": "snapshot",
    "split": "split",
    "learner": "model",
    "compute": "model",
    "deployment": "model",
    "expectations": "evaluation",
    "evaluation": "evaluation",
}


def data_differences(before: Parts, now: Parts) -> Iterator[Difference]:
    """Yield the tables of the source that changed."""
    for name in sorted({**before, **now}):
        then, seen = before.get(name), now.get(name)
        if then != seen:
            said = f"{short(then) if then else 'not there'} recorded, {short(seen) if seen else 'not there'} now"
            yield Difference(kind=Kind.DATA, text=f"source {name}: {said}")


def features_differences(before: Mapping[str, bytes], now: Mapping[str, bytes], name: str) -> Iterator[Difference]:
    """Yield the first line in which a features module differs, then that of each module that it shares with others."""
    for file in sorted({**before, **now}, key=lambda one: (shared_module(one), one)):
        then, seen = before.get(file), now.get(file)
        if then == seen:
            continue
        if then is None or seen is None:
            said = "not recorded, imported now" if then is None else "recorded, not imported now"
        else:
            said = _first_line(then, seen)
        yield Difference(kind=Kind.CODE, text=f"{shared_module(file) or name}: {said}", since="snapshot")


def platform_differences(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> Iterator[Difference]:
    """Yield the files of the platform's code that differ, the first ones by line; those that make nothing in one."""
    changed = [name for name in sorted({**before, **now}) if before.get(name) != now.get(name)]
    making = [name for name in changed if _makes(name)]
    for name in making[:MOST_SAID]:
        if name in before and name in now:
            text = f"{name}: {_first_line(before[name], now[name])}"
        else:
            text = f"{name}: {'recorded, not there now' if name in before else 'not recorded, there now'}"
        yield Difference(kind=Kind.CODE, text=text)
    if len(making) > MOST_SAID:
        yield Difference(kind=Kind.CODE, text=f"{len(making) - MOST_SAID} more files of the platform")
    others = len(changed) - len(making)
    if others:
        first = next(name for name in changed if name not in making)
        text = f"{others} files of the platform that only store, show or start something, {first} first"
        yield Difference(kind=Kind.CODE, text=text, since=NOTHING)


def parameter_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield every entry of the model file that differs and can change what is made."""
    for section, stage in _SECTIONS.items():
        for path, then, seen in _entries(section, before.get(section), now.get(section)):
            yield Difference(kind=Kind.PARAMETERS, text=f"{path}: {then} recorded, {seen} now", since=stage)


def tuning_differences(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[Difference]:
    """Yield what is searched otherwise; only a study that began or ended since can change what is made.

    Where both are tuned the parameters that were chosen then are trained with, and nothing is searched again.
    """
    if before is None or now is None:
        if before != now:
            text = (
                f"tuning: {'not' if before is None else 'a study'} recorded, {'none' if now is None else 'a study'} now"
            )
            yield Difference(kind=Kind.PARAMETERS, text=text, since="model")
        return
    for path, then, seen in _entries("tuning", before, now):
        yield Difference(kind=Kind.PARAMETERS, text=f"{path}: {then} recorded, {seen} now", since=NOTHING)


def environment_differences(before: Environment, conditions: Conditions, now: About) -> Iterator[Difference]:
    """Yield the packages, the Python and the waiting policy that differ."""
    then, seen = _versions(before), _versions(now.environment)
    changed = [name for name in sorted(seen) if then.get(name) != seen[name]]
    for name in changed[:MOST_SAID]:
        said = f"{then.get(name, 'not installed')} recorded, {seen[name]} now"
        yield Difference(kind=Kind.ENVIRONMENT, text=f"package {name}: {said}")
    if len(changed) > MOST_SAID:
        yield Difference(kind=Kind.ENVIRONMENT, text=f"{len(changed) - MOST_SAID} more packages have another version")
    gone = sorted(then.keys() - seen.keys())
    if gone:
        more = f" and {len(gone) - MOST_SAID} more" if len(gone) > MOST_SAID else ""
        said = ", ".join(gone[:MOST_SAID])
        yield Difference(kind=Kind.ENVIRONMENT, text=f"recorded packages that aren't installed now: {said}{more}")
    told = (
        ("Python", conditions.python, now.environment.python),
        ("OMP_WAIT_POLICY", conditions.waiting, now.waiting),
    )
    yield from _told(Kind.ENVIRONMENT, told)


def hardware_differences(conditions: Conditions, now: About) -> Iterator[Difference]:
    """Yield what differs of processor and operating system."""
    told = (("processor", conditions.cpu, now.cpu), ("system", conditions.system, now.system))
    yield from _told(Kind.HARDWARE, told)


def _makes(name: str) -> bool:
    """Say whether a file of the platform has a part in what the stages make."""
    return name.split("/")[1:2] == [] or name.split("/")[1] in _MAKING


def _told(kind: Kind, told: tuple[tuple[str, str, str], ...]) -> Iterator[Difference]:
    for name, then, seen in told:
        if then != seen:
            yield Difference(kind=kind, text=f"{name}: {then or 'not'} recorded, {seen or 'unknown'} now")


def _entries(path: str, before: object, now: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({**before, **now}):
            yield from _entries(f"{path}.{name}", before.get(name), now.get(name))
    elif before != now:
        yield path, _shown(before), _shown(now)


def _shown(value: object) -> object:
    return "nothing" if value is None else value


def _first_line(before: bytes, now: bytes) -> str:
    """Name the first line that differs; what stands in it isn't repeated."""
    then, seen = before.decode(errors="replace").splitlines(), now.decode(errors="replace").splitlines()
    lines = difflib.SequenceMatcher(a=then, b=seen, autojunk=False).get_opcodes() if then != seen else []
    word = {"replace": "changed", "delete": "gone", "insert": "new"}
    found = [(tag, start, at) for tag, start, _, at, _ in lines if tag != "equal"]
    if not found:
        return "only its line ends differ"
    tag, start, at = found[0]
    line = start + 1 if tag == "delete" else at + 1
    return f"line {line} is {word[tag]}"


def _versions(environment: Environment) -> dict[str, str]:
    pairs = [name.rpartition("-") for name in environment.distributions]
    return {name: version for name, _, version in pairs}
