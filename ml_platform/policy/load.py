"""Loads a model file: strict, with all of its problems at once, each with its line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.check_compute import check_compute
from ml_platform.policy.check_contract import check_contract
from ml_platform.policy.check_expectations import check_expectations
from ml_platform.policy.check_learner import check_features, check_learner
from ml_platform.policy.check_movable import check_movable
from ml_platform.policy.check_objective import check_objective
from ml_platform.policy.check_policy import check_monitoring, check_packs, check_waivers, expired_waivers
from ml_platform.policy.check_resources import check_resources
from ml_platform.policy.check_rules import check_rules
from ml_platform.policy.check_source import check_source
from ml_platform.policy.check_strategy import check_strategy
from ml_platform.policy.check_threshold import check_threshold
from ml_platform.policy.check_tuning import check_tuning
from ml_platform.policy.freezes import check_freezes
from ml_platform.policy.gates import Gate
from ml_platform.policy.packs import SHIPPED, Gates, apply_overrides, combine, pack_files
from ml_platform.policy.prices import Prices, load_prices
from ml_platform.policy.problems import Problem, known, path_text, seen
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.policy.sections import Sections, sections_of
from ml_platform.policy.spec import ModelSpec
from ml_platform.policy.translate import validate
from ml_platform.policy.yaml_lines import LinedYaml, read_yaml

FILE_NAME = "defs.yaml"
TYPE = "ml_platform.GovernedModel"
TOP = ("type", "attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernedModelFile:
    """A model file that was accepted; `notices` are worth knowing and stop nothing (expired waivers)."""

    spec: ModelSpec
    policy: Policy
    path: Path
    digest: str
    notices: tuple[str, ...] = ()
    prices: Prices | None = None


def discover(folder: Path, only: Sequence[str] = ()) -> list[Path]:
    """Return the model files `<folder>/<model>/defs.yaml` in order of name; raises PolicyInvalid for unknown `only`."""
    found = {path.parent.name: path for path in sorted(folder.glob(f"*/{FILE_NAME}"))}
    unknown = [name for name in only if name not in found]
    if unknown:
        raise PolicyInvalid([f"{folder}: no model is named {seen(name)}; {known(found, name)}" for name in unknown])
    return [path for name, path in found.items() if not only or name in only]


def load_model(path: Path, *, now: dt.datetime) -> GovernedModelFile:
    """Load a model file and resolve its policy; raises PolicyInvalid with every problem as `file:line: ...`.

    Packs are those shipped and the files of a folder `packs` beside the model's own folder. The pack of the risk
    class is always among the model's packs.
    """
    document = read_yaml(path)
    attributes = document.at(("attributes",))
    sections = sections_of(attributes)
    files = pack_files((SHIPPED, path.parent.parent / "packs"))
    gates, broken = _gates(sections, files)
    final, policy_problems = _policy(sections, files, gates)
    prices, unpriced = _prices(path.parent.parent)
    policy_problems += check_resources(sections, priced=prices is not None or bool(unpriced))
    broken += unpriced
    spec, form = validate(ModelSpec, attributes) if isinstance(attributes, dict) else (None, [])
    reported = {problem.where for problem in document.problems}
    inner = _inside([*form, *_meaning(path, sections), *policy_problems])
    problems = [*document.problems, *_top_problems(document)]
    problems += [problem for problem in inner if problem.where not in reported]
    if problems or broken or gates is None or spec is None:
        raise PolicyInvalid([*document.render(problems), *broken])
    return GovernedModelFile(
        spec=spec,
        policy=make_policy(
            final,
            spec.policy.waivers,
            gates.approvals,
            gates.packs,
            signed_approvals=gates.signed_approvals,
            breaking=spec.policy.breaking,
            freezes=(*gates.freezes.values(), *spec.policy.freezes),
        ),
        path=path,
        digest=digest_of(spec.model_dump(mode="json")),
        notices=tuple(document.render(_inside(expired_waivers(sections, now.date())))),
        prices=prices,
    )


def _top_problems(document: LinedYaml) -> Iterator[Problem]:
    top = document.value
    if not isinstance(top, dict):
        yield Problem((), f"the file holds {seen(top)}; needed: `type: {TYPE}` and `attributes:`")
        return
    for name in top:
        if name not in TOP:
            yield Problem((name,), f"{name} isn't known here; {known(TOP, name)}")
    if top.get("type") != TYPE:
        yield Problem(("type",), f"type is {seen(top.get('type'))}; {known([TYPE], top.get('type'))}")
    for where in document.lines:
        value = document.at(where)
        if isinstance(value, str) and "{{" in value:
            yield Problem(where, f"{path_text(where)} is {seen(value)}; templates aren't filled in, write the value")
    if not isinstance(top.get("attributes"), dict):
        yield Problem(("attributes",), f"attributes is {seen(top.get('attributes'))}; needed: a mapping (`key: value`)")


def _gates(sections: Sections, files: Mapping[str, Path]) -> tuple[Gates | None, list[str]]:
    """Return the gates of the model's packs, or None and what is wrong with the packs' own files."""
    if sections.packs is None or sections.risk_class is None or not files.keys() >= set(sections.packs):
        return None, []
    try:
        return combine((*sections.packs, sections.risk_class.value), files), []
    except PolicyInvalid as error:
        return None, list(error.problems)


def _prices(folder: Path) -> tuple[Prices | None, list[str]]:
    """Return the price table of the models' folder, or None and what is wrong with it."""
    try:
        return load_prices(folder), []
    except PolicyInvalid as error:
        return None, list(error.problems)


def _policy(
    sections: Sections, files: Mapping[str, Path], gates: Gates | None
) -> tuple[Mapping[str, Gate], list[Problem]]:
    """Return the gates as the model tightens them, and what is wrong with its words on them."""
    problems = list(check_packs(sections, files))
    if gates is None:
        return {}, [*problems, *check_monitoring(sections, None)]
    final, found = apply_overrides(gates.gates, sections.overrides, ("policy", "overrides"))
    problems += [*found, *check_waivers(sections, final), *check_monitoring(sections, final)]
    problems += check_freezes(sections.freezes, ("policy", "freezes"), gates.freezes)
    return final, problems


def _meaning(path: Path, sections: Sections) -> Iterator[Problem]:
    folder = path.absolute().parent.name
    if sections.name is not None and sections.name != folder:
        text = f"model is {seen(sections.name)} in the folder '{folder}'; needed: the same name, so rename one"
        yield Problem(("model",), text)
    yield from check_source(sections)
    yield from check_features(sections)
    yield from check_contract(sections)
    yield from check_rules(sections)
    yield from check_learner(sections)
    yield from check_objective(sections)
    yield from check_threshold(sections)
    yield from check_strategy(sections)
    yield from check_tuning(sections)
    yield from check_compute(sections)
    yield from check_expectations(sections)
    yield from check_movable(sections)


def _inside(problems: Iterable[Problem]) -> list[Problem]:
    """Place problems of the attributes in the file."""
    return [Problem(("attributes", *problem.where), problem.text) for problem in problems]
