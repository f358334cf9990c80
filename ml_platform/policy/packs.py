"""Packs of gates: reading one, and putting several together so that the strictest word counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.check_pack import check_pack
from ml_platform.policy.freezes import Freeze, check_freezes
from ml_platform.policy.gates import Gate, Override, Pack
from ml_platform.policy.problems import Problem, Where, known, nearest, path_text, seen
from ml_platform.policy.tighten import strictest, tighten
from ml_platform.policy.translate import validate
from ml_platform.policy.yaml_lines import LinedYaml, read_yaml

SHIPPED = Path(__file__).parent / "packs"


@dataclass(frozen=True, slots=True)
class PackFile:
    """A pack with the file that it was read from."""

    pack: Pack
    document: LinedYaml


@dataclass(frozen=True, slots=True)
class Gates:
    """Gates by name, each with the pack that defined it, the approvals needed, and the packs in order."""

    gates: Mapping[str, Gate] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    approvals: Mapping[str, int] = field(default_factory=dict)
    packs: tuple[str, ...] = ()
    signed_approvals: bool = False
    freezes: Mapping[str, Freeze] = field(default_factory=dict)


def pack_files(folders: Sequence[Path] = (SHIPPED,)) -> dict[str, Path]:
    """Return the YAML files of the folders by name; raises PolicyInvalid when a name is taken twice."""
    found: dict[str, Path] = {}
    problems: list[str] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        if path.stem in found:
            problems.append(f"{path}:1: the name '{path.stem}' is taken by {found[path.stem]}; rename the pack")
        found.setdefault(path.stem, path)
    if problems:
        raise PolicyInvalid(problems)
    return found


def combine(names: Sequence[str], files: Mapping[str, Path]) -> Gates:
    """Put packs and all they extend together; raises PolicyInvalid when a pack is broken or two contradict."""
    done: dict[str, Gates] = {}
    result = Gates()
    for name in dict.fromkeys(names):
        result = _merge(result, _resolve(name, files, (), done), str(files[name]))
    return result


def _resolve(name: str, files: Mapping[str, Path], trail: tuple[str, ...], done: dict[str, Gates]) -> Gates:
    if name in done:
        return done[name]
    stamp = files[name].stat()
    file = _read_pack(files[name], (stamp.st_mtime_ns, stamp.st_size))
    _refuse(file.document, list(_extends_problems(file.pack, files, (*trail, name))))
    inherited = Gates()
    for parent in file.pack.extends:
        inherited = _merge(inherited, _resolve(parent, files, (*trail, name), done), file.document.file)
    done[name] = _add_own(file, inherited)
    return done[name]


@lru_cache(maxsize=256)
def _read_pack(path: Path, _stamp: tuple[int, int]) -> PackFile:
    document = read_yaml(path)
    pack, problems = validate(Pack, document.value)
    places = {problem.where for problem in document.problems}
    problems = [*document.problems, *(problem for problem in problems if problem.where not in places)]
    problems += check_pack(document, path.stem)
    _refuse(document, problems)
    return PackFile(pack=pack, document=document)


def _refuse(document: LinedYaml, problems: list[Problem]) -> None:
    if problems:
        raise PolicyInvalid(document.render(problems))


def _extends_problems(pack: Pack, files: Mapping[str, Path], trail: tuple[str, ...]) -> Iterator[Problem]:
    for index, parent in enumerate(pack.extends):
        where = ("extends", index)
        if parent not in files:
            yield Problem(where, f"extends[{index}] is {seen(parent)}; {known(files, parent)}")
        elif parent in trail:
            circle = " → ".join((*trail[trail.index(parent) :], parent))
            text = f"extends[{index}] is {seen(parent)}, which leads in a circle: {circle}; remove one link"
            yield Problem(where, text)


def _add_own(file: PackFile, inherited: Gates) -> Gates:
    pack, problems = file.pack, list[Problem]()
    for name in pack.gates:
        if name in inherited.gates:
            text = f"gates.{name} is defined by the pack '{inherited.origins[name]}' already; tighten it in `overrides`"
            problems.append(Problem(("gates", name), text))
    tightened, found = apply_overrides(inherited.gates, pack.overrides, ("overrides",))
    problems += check_freezes(dict(enumerate(pack.freezes)), ("freezes",), inherited.freezes)
    _refuse(file.document, [*problems, *found])
    return Gates(
        gates={**tightened, **pack.gates},
        origins={**inherited.origins, **dict.fromkeys(pack.gates, pack.pack)},
        approvals=_most(inherited.approvals, {str(name): count for name, count in pack.approvals.items()}),
        packs=(*inherited.packs, pack.pack),
        signed_approvals=inherited.signed_approvals or pack.signed_approvals,
        freezes={**inherited.freezes, **{freeze.name: freeze for freeze in pack.freezes}},
    )


def apply_overrides(
    gates: Mapping[str, Gate], overrides: Mapping[str, Override], where: Where
) -> tuple[dict[str, Gate], list[Problem]]:
    """Return the gates with overrides applied, and what is wrong with those that could not be."""
    changed, problems = dict(gates), list[Problem]()
    for name, override in overrides.items():
        place = (*where, name)
        if name not in gates:
            hint = nearest(gates, name) or "Tighten a gate of the packs that are extended."
            problems.append(Problem(place, f"{path_text(place)} names no inherited gate. {hint}"))
            continue
        changed[name], found = tighten(gates[name], override, place)
        problems += found
    return changed, problems


def _merge(one: Gates, other: Gates, file: str) -> Gates:
    shared = [name for name in other.gates if name in one.gates]
    clashes = [name for name in shared if one.origins[name] != other.origins[name]]
    if clashes:
        raise PolicyInvalid(
            [
                f"{file}:1: the packs '{one.origins[name]}' and '{other.origins[name]}' both define the gate '{name}'; "
                "rename one, or let one pack extend the other"
                for name in clashes
            ]
        )
    doubled = [name for name, freeze in other.freezes.items() if one.freezes.get(name, freeze) != freeze]
    if doubled:
        raise PolicyInvalid([f"{file}:1: two packs name a freeze '{name}'; rename one" for name in doubled])
    merged = {name: strictest(one.gates[name], other.gates[name]) for name in shared}
    return Gates(
        gates={**one.gates, **other.gates, **merged},
        origins={**one.origins, **other.origins},
        approvals=_most(one.approvals, other.approvals),
        packs=tuple(dict.fromkeys((*one.packs, *other.packs))),
        signed_approvals=one.signed_approvals or other.signed_approvals,
        freezes={**one.freezes, **other.freezes},
    )


def _most(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}
