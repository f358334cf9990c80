from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.policy.gates import Gate
from ml_platform.policy.load import load_model
from ml_platform.policy.resolve import make_policy
from ml_platform_tests.policy.files import MODEL, NOW, changed, load_text, write_model
from ml_platform_tests.policy.gates_of import at_least, at_most, holds, policy_of, waiver


def test_the_digest_is_of_the_content_and_not_of_the_writing(tmp_path: Path) -> None:
    one = load_text(tmp_path)
    rewritten = changed(
        ("{limit: 0.7}", "\n        limit: 0.70  # tighter"), ("packs: [base]", "packs: [limited, base]")
    )
    other = load_text(tmp_path, rewritten)
    assert one.policy.digest == other.policy.digest
    assert one.digest != other.digest


@pytest.mark.parametrize(
    "change",
    [
        ("{limit: 0.7}", "{limit: 0.71}"),
        ("{limit: 0.7}", "{limit: 0.7, minimum_n: 300}"),
        ("expires: 2026-12-31", "expires: 2026-12-30"),
        ("risk_class: limited", "risk_class: high"),
    ],
)
def test_any_change_of_the_policy_changes_its_digest(tmp_path: Path, change: tuple[str, str]) -> None:
    assert load_text(tmp_path).policy.digest != load_text(tmp_path, changed(change)).policy.digest


def test_a_change_beside_the_policy_leaves_its_digest_alone(tmp_path: Path) -> None:
    one, other = load_text(tmp_path), load_text(tmp_path, changed(("team-parcels", "team-letters")))
    assert one.policy.digest == other.policy.digest
    assert one.digest != other.digest


def test_the_digest_is_the_same_on_every_load_and_at_any_time(tmp_path: Path) -> None:
    path = write_model(tmp_path, MODEL)
    later = NOW.replace(year=2030)
    assert load_model(path, now=NOW).policy.digest == load_model(path, now=later).policy.digest


def test_the_order_of_waivers_and_gates_does_not_matter() -> None:
    gates: dict[str, Gate] = {"a": at_least(0.5), "b": at_most(0.5)}
    backwards = dict(reversed(list(gates.items())))
    one = make_policy(gates, [waiver("a"), waiver("b")], {"production": 1}, ())
    other = make_policy(backwards, [waiver("b"), waiver("a")], {"production": 1, "staging": 0}, ())
    assert one.digest == other.digest
    assert one.waivers == other.waivers


def test_gates_are_found_by_stage_and_required_stages_hold_a_blocking_gate() -> None:
    policy = policy_of(
        {
            "late": at_least(0.5),
            "early": holds(stage="source", metric="source_tables"),
            "mild": holds(stage="release", metric="tracked", severity="warn"),
        }
    )
    assert list(policy.gates_of("evaluation")) == ["late"]
    assert policy.gates_of("feedback") == {}
    assert policy.required_stages == ("source", "evaluation")


def test_waivers_and_approvals_are_found_by_name() -> None:
    policy = make_policy({"a": at_least(0.5)}, [waiver("a")], {"production": 2}, ())
    assert policy.waiver_of("a") == waiver("a")
    assert policy.waiver_of("b") is None
    assert (policy.approvals_for("production"), policy.approvals_for("staging")) == (2, 0)
