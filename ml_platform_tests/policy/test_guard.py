"""How a model file says what the service does with rows that the model can't be trusted on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.guard import Guard
from ml_platform_tests.policy.files import changed, line_of, load_text


def text(guard: str) -> str:
    return changed(("  monitoring:\n", f"  guard: {{{guard}}}\n  monitoring:\n"))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", Guard()),
        ("out_of_contract: abstain", Guard(out_of_contract="abstain")),
        ("out_of_range: reject, unseen_level: abstain", Guard(out_of_range="reject", unseen_level="abstain")),
        ("out_of_distribution: ignore", Guard(out_of_distribution="ignore")),
        ("flagged_share: 0.05", Guard(flagged_share=0.05)),
    ],
)
def test_each_action_can_be_said(tmp_path: Path, said: str, meant: Guard) -> None:
    assert load_text(tmp_path, text(said)).spec.guard == meant


def test_what_is_declared_is_refused_and_what_was_only_learned_is_flagged_unless_the_file_says_otherwise() -> None:
    guard = Guard()
    assert (guard.out_of_contract, guard.out_of_range, guard.unseen_level) == ("reject", "flag", "flag")
    assert (guard.out_of_distribution, guard.flagged_share) == ("flag", 0.01)


def test_a_file_without_a_guard_is_written_as_before(tmp_path: Path) -> None:
    spec = load_text(tmp_path, changed()).spec
    assert spec.guard is None
    assert "guard" not in spec.model_dump(mode="json")
    assert "guard" in load_text(tmp_path, text("")).spec.model_dump(mode="json")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("out_of_range: rejekt", "out_of_range is 'rejekt'; known: reject, flag, abstain. Did you mean 'reject'?"),
        ("out_of_rang: flag", "out_of_rang isn't known here; known: "),
        ("unseen_level: true", "unseen_level is true; known: reject, flag, abstain."),
        ("out_of_distribution: abstain", "out_of_distribution is 'abstain'; known: flag, ignore."),
        ("flagged_share: 0", "flagged_share is 0; needed: at least 0.001"),
        ("flagged_share: 0.2", "flagged_share is 0.2; needed: at most 0.1"),
        ("flagged_share: .nan", "flagged_share is .nan; needed: a finite number"),
        ("types: flag", "types isn't known here; known: "),
    ],
)
def test_anything_else_is_refused_with_file_line_and_what_is_known(tmp_path: Path, said: str, problem: str) -> None:
    written = text(said)
    with pytest.raises(PolicyInvalid) as caught:
        load_text(tmp_path, written)
    (found,) = caught.value.problems
    assert found.startswith(f"{tmp_path}/late/defs.yaml:{line_of('  guard:', written)}: guard.{problem}")
