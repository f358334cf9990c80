"""How a model file says that a version first proves itself on live traffic, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.strategy import Canary, Direct, Shadow
from ml_platform_tests.policy.files import changed, line_of, load_text


def text(strategy: str, *changes: tuple[str, str]) -> str:
    return changed(("  monitoring:\n", f"  deployment:\n    strategy: {{{strategy}}}\n  monitoring:\n"), *changes)


def problems(folder: Path, strategy: str, *changes: tuple[str, str]) -> list[str]:
    said = text(strategy, *changes)
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, said)
    begin = f"{folder}/late/defs.yaml:{line_of('    strategy:', said)}: "
    assert all(problem.startswith(begin) for problem in caught.value.problems)
    return [problem.removeprefix(begin) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("kind: direct", Direct()),
        ("kind: shadow", Shadow(kind="shadow")),
        ("kind: shadow, least_labels: 500", Shadow(kind="shadow", least_labels=500)),
        ("kind: canary, weight: 0.1", Canary(kind="canary", weight=0.1)),
        ("kind: canary, weight: 0.5, key: carrier", Canary(kind="canary", weight=0.5, key="carrier")),
    ],
)  # fmt: skip
def test_each_strategy_can_be_said(tmp_path: Path, said: str, meant: Direct | Shadow | Canary) -> None:
    assert load_text(tmp_path, text(said)).spec.deployment.strategy == meant


def test_a_file_without_a_strategy_is_direct_and_is_written_as_before(tmp_path: Path) -> None:
    silent, said = (load_text(tmp_path, file).spec for file in (changed(), text("kind: direct")))
    assert silent == said
    assert "strategy" not in silent.model_dump(mode="json")["deployment"]
    assert "strategy" in load_text(tmp_path, text("kind: shadow")).spec.model_dump(mode="json")["deployment"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("kind: cannary, weight: 0.1", "kind is 'cannary'; known: direct, shadow, canary. Did you mean 'canary'?"),
        ("weight: 0.1", "kind is missing; known: direct, shadow, canary."),
        ("kind: canary", "weight is missing; add it"),
        ("kind: canary, weight: 0.6", "weight is 0.6; needed: at most 0.5"),
        ("kind: canary, weight: 0", "weight is 0; needed: more than 0"),
        ("kind: shadow, weight: 0.1", "weight isn't known here; known: "),
        ("kind: shadow, error_margin: 0", "error_margin is 0; needed: more than 0"),
        ("kind: shadow, false_decisions: 0.5", "false_decisions is 0.5; needed: at most 0.2"),
        ("kind: shadow, most_days: 0", "most_days is 0; needed: at least 1"),
        ("kind: canary, weight: 0.1, key: carier", "key is 'carier', which requests don't carry; known: weight,"),
        ("kind: canary, weight: 0.1, key: late", "key is 'late', which requests don't carry"),
        ("kind: canary, weight: 0.1, key: arrived", "key is 'arrived', which requests don't carry"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_line(tmp_path: Path, said: str, problem: str) -> None:
    (found,) = problems(tmp_path, said)
    assert found.removeprefix("deployment.strategy.").startswith(problem)


def test_a_key_is_looked_up_only_where_every_column_is_known(tmp_path: Path) -> None:
    broken = ("weight: {type: number, range: [0, 60]}", "weight: {type: numbre, range: [0, 60]}")
    with pytest.raises(PolicyInvalid) as caught:
        load_text(tmp_path, text("kind: canary, weight: 0.1, key: nobody", broken))
    assert not any("strategy" in problem for problem in caught.value.problems)
