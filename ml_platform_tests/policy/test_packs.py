from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.gates import AtLeast, AtMost, Between
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.packs import SHIPPED, Gates, combine, pack_files
from ml_platform.policy.stages import STAGES
from ml_platform_tests.policy.files import write_pack

GATE = """\
    kind: at_most
    control: METRICS
    stage: evaluation
    metric: brier
    limit: 0.3
    why: because
    next_step: do this
"""


def pack_text(name: str, *gates: str, extends: str = "", overrides: str = "", head: str = "") -> str:
    """Write a pack whose gates all say the same."""
    text = f"pack: {name}\ndescription: for a test\n{head}"
    text += f"extends: [{extends}]\n" if extends else ""
    text += "gates:\n" + "".join(f"  {gate}:\n{GATE}" for gate in gates) if gates else ""
    return text + (f"overrides:\n  {overrides}\n" if overrides else "")


def combined(folder: Path, *names: str, **texts: str) -> Gates:
    """Write packs and put the named ones together."""
    for name, text in texts.items():
        write_pack(folder, name, text)
    return combine(names, pack_files((folder / "packs",)))


def refusal(folder: Path, *names: str, **texts: str) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        combined(folder, *names, **texts)
    return str(caught.value).replace(f"{folder}/packs/", "")


# ----------------------------------------------------------------------------------------------- the shipped ones


@pytest.mark.parametrize("risk_class", ["minimal", "limited", "high"])
def test_every_stage_is_guarded_by_a_gate_in_every_risk_class(risk_class: str) -> None:
    found = combine(("base", risk_class), pack_files())
    assert {gate.stage for gate in found.gates.values()} == set(STAGES)
    assert len(found.gates) >= 45


def test_the_gates_use_only_catalogued_words_and_say_where_to_go_next() -> None:
    for name, gate in combine(("high",), pack_files()).gates.items():
        assert gate.control in CONTROLS, name
        assert gate.stage in METRICS[gate.metric].stages, name
        assert len(gate.why) >= 40, name
        assert gate.next_step.endswith("."), name


def test_high_risk_needs_an_approval_and_lower_ones_none() -> None:
    approvals = {name: combine(("base", name), pack_files()).approvals for name in ("minimal", "limited", "high")}
    assert approvals == {
        "minimal": {"staging": 0, "production": 0},
        "limited": {"staging": 0, "production": 0},
        "high": {"staging": 0, "production": 1},
    }


def test_higher_risk_is_never_held_to_less() -> None:
    packs = [combine(("base", name), pack_files()).gates for name in ("minimal", "limited", "high")]
    for lower, higher in pairwise(packs):
        for name, gate in lower.items():
            other = higher[name]
            assert other.minimum_n >= gate.minimum_n
            assert gate.severity == "warn" or other.severity == "block"
            match gate, other:
                case AtLeast(), AtLeast():
                    assert other.limit >= gate.limit, name
                case AtMost(), AtMost():
                    assert other.limit <= gate.limit, name
                case Between(), Between():
                    assert other.limit[0] >= gate.limit[0], name
                    assert other.limit[1] <= gate.limit[1], name


def test_fairness_blocks_only_where_a_person_can_be_harmed() -> None:
    limited, high = (combine(("base", name), pack_files()).gates for name in ("limited", "high"))
    assert limited["selection_rates_are_similar"].severity == "warn"
    gate = high["selection_rates_are_similar"]
    assert isinstance(gate, AtLeast)
    assert (gate.severity, gate.limit, gate.judged_on, gate.when) == ("block", 0.8, "interval", "groups")


def test_drift_of_inputs_only_warns() -> None:
    gates = combine(("base", "high"), pack_files()).gates.values()
    assert {gate.severity for gate in gates if gate.metric.endswith("_psi")} == {"warn"}


def test_the_shipped_packs_are_found_by_name() -> None:
    assert list(pack_files()) == ["base", "high", "inspection", "limited", "minimal"]
    assert all(path.parent == SHIPPED for path in pack_files().values())


def test_a_gate_names_each_of_its_subjects_once(tmp_path: Path) -> None:
    text = pack_text("mine", "a") + "    subjects: [hour, hour]\n"
    assert refusal(tmp_path, "mine", mine=text).endswith("gates.a.subjects names one twice; needed: each once")
    empty = pack_text("mine", "a") + "    subjects: []\n"
    assert "gates.a.subjects is []; needed: at least 1 entries" in refusal(tmp_path, "mine", mine=empty)
    named = combined(tmp_path, "mine", mine=pack_text("mine", "a") + "    subjects: [hour]\n").gates["a"]
    assert named.subjects == ("hour",)


# ----------------------------------------------------------------------------------------------- combining


def test_packs_are_put_together_parents_first_and_once(tmp_path: Path) -> None:
    found = combined(
        tmp_path,
        "top",
        "left",
        root=pack_text("root", "a"),
        left=pack_text("left", "b", extends="root"),
        right=pack_text("right", "c", extends="root"),
        top=pack_text("top", "d", extends="left, right"),
    )
    assert found.packs == ("root", "left", "right", "top")
    assert set(found.gates) == {"a", "b", "c", "d"}
    assert found.origins == {"a": "root", "b": "left", "c": "right", "d": "top"}


def test_of_two_tightenings_the_stricter_counts_whatever_the_order(tmp_path: Path) -> None:
    texts = {
        "root": pack_text("root", "a"),
        "left": pack_text("left", extends="root", overrides="a: {limit: 0.2, minimum_n: 5}"),
        "right": pack_text("right", extends="root", overrides="a: {limit: 0.25, minimum_n: 9, why: other}"),
    }
    one, other = (combined(tmp_path, *names, **texts) for names in (("left", "right"), ("right", "left")))
    for found in (one, other):
        gate = found.gates["a"]
        assert isinstance(gate, AtMost)
        assert (gate.limit, gate.minimum_n, gate.severity) == (0.2, 9, "block")


def test_the_larger_number_of_approvals_counts(tmp_path: Path) -> None:
    found = combined(
        tmp_path,
        "one",
        "two",
        one=pack_text("one", "a", head="approvals: {production: 2}\n"),
        two=pack_text("two", "b", head="approvals: {production: 1, staging: 1}\n"),
    )
    assert found.approvals == {"production": 2, "staging": 1}


def test_packs_that_both_define_a_gate_are_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, "one", "two", one=pack_text("one", "a"), two=pack_text("two", "a"))
    assert said == (
        "two.yaml:1: the packs 'one' and 'two' both define the gate 'a'; rename one, or let one pack extend the other"
    )


def test_a_pack_that_defines_an_inherited_gate_again_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, "two", one=pack_text("one", "a"), two=pack_text("two", "a", extends="one"))
    assert said == "two.yaml:5: gates.a is defined by the pack 'one' already; tighten it in `overrides`"


def test_a_loosening_and_an_override_of_nothing_are_refused_together(tmp_path: Path) -> None:
    two = pack_text("two", extends="one", overrides="a: {limit: 0.4}\n  b: {limit: 0.1}")
    said = refusal(tmp_path, "two", one=pack_text("one", "a"), two=two).splitlines()
    assert said[0].startswith("two.yaml:5: overrides.a.limit is 0.4, looser than 0.3; an override only tightens")
    assert said[1] == "two.yaml:6: overrides.b names no inherited gate. Tighten a gate of the packs that are extended."


def test_a_circle_is_refused_and_drawn(tmp_path: Path) -> None:
    said = refusal(
        tmp_path, "a", a=pack_text("a", extends="b"), b=pack_text("b", extends="c"), c=pack_text("c", extends="b")
    )
    assert said == "c.yaml:3: extends[0] is 'b', which leads in a circle: b → c → b; remove one link"


def test_a_pack_that_extends_itself_is_refused(tmp_path: Path) -> None:
    assert "in a circle: a → a" in refusal(tmp_path, "a", a=pack_text("a", extends="a"))


def test_an_unknown_parent_is_refused_with_the_nearest(tmp_path: Path) -> None:
    said = refusal(tmp_path, "two", base=pack_text("base", "a"), two=pack_text("two", extends="bse"))
    assert said == "two.yaml:3: extends[0] is 'bse'; known: base, two. Did you mean 'base'?"


def test_a_name_taken_twice_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path, "base", pack_text("base", "a"))
    with pytest.raises(PolicyInvalid, match="the name 'base' is taken by"):
        pack_files((SHIPPED, tmp_path / "packs"))


def test_a_changed_pack_is_read_again(tmp_path: Path) -> None:
    assert set(combined(tmp_path, "one", one=pack_text("one", "a")).gates) == {"a"}
    path = write_pack(tmp_path, "one", pack_text("one", "b"))
    os.utime(path, ns=(1, 1))
    assert set(combined(tmp_path, "one").gates) == {"b"}


# ----------------------------------------------------------------------------------------------- what a pack may say


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("control: METRICS", "control: METRIC", "6: gates.a.control is 'METRIC'; known: DATA-FIT"),
        ("control: METRICS", "control: 5", "6: gates.a.control is 5; needed: text"),
        ("stage: evaluation", "stage: evaluaton", "7: gates.a.stage is 'evaluaton'; known: source"),
        ("metric: brier", "metric: brir", "8: gates.a.metric is 'brir'; known: roc_auc"),
        ("metric: brier", "metric: row_count", "8: gates.a.metric is 'row_count', which the stage evaluation doesn't "),
        ("metric: brier\n", "metric: 5\n", "8: gates.a.metric is 5; needed: text"),
        ("limit: 0.3", "limit: .inf", "9: gates.a.limit is .inf; needed: a finite number"),
        ("limit: 0.3", "limit: '0.3'", "9: gates.a.limit is '0.3'; needed: a number"),
        ("limit: 0.3\n", "limit: 0.3\n    limit: 0.4\n", "10: gates.a.limit is given twice, first in line 9"),
        ("limit: 0.3", "limt: 0.3", "4: gates.a.limit is missing; add it"),
        ("kind: at_most", "kind: at_mst", "5: gates.a.kind is 'at_mst'; known: at_least, at_most, between"),
        ("kind: at_most\n", "kind: holds\n", "9: gates.a.limit isn't known here; known: control, stage, metric"),
        ("why: because", "why: ''", "10: gates.a.why is ''; needed: at least 1 characters"),
        ("kind: at_most\n", "kind: between\n", "9: gates.a.limit is 0.3; needed: a list"),
        ("pack: one", "pack: two", "1: pack is 'two' in the file 'one.yaml'; needed: the same name"),
        ("pack: one", "pack: 1", "1: pack is 1; needed: text"),
        ("description: for a test", "description: ''", "2: description is ''; needed: at least 1 characters"),
        ("description: for a test", "approvals: {production: -1}\ndescription: d", "2: approvals.production is -1"),
        ("description: for a test", "approvals: {prod: 1}\ndescription: d", "2: approvals.prod is 'prod'; known: sta"),
    ],
)
def test_a_pack_that_says_something_unknown_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = pack_text("one", "a")
    assert old in text
    problems = refusal(tmp_path, "one", one=text.replace(old, new)).splitlines()
    assert any(problem.startswith(f"one.yaml:{said}") for problem in problems), problems


def test_a_metric_of_another_stage_is_refused_naming_where_it_is_measured(tmp_path: Path) -> None:
    said = refusal(tmp_path, "one", one=pack_text("one", "a").replace("brier", "service_healthy"))
    assert "which the stage evaluation doesn't measure; it is measured at staging and production; known: " in said


def test_an_unknown_metric_names_the_nearest_of_any_stage(tmp_path: Path) -> None:
    text = pack_text("one", "a")
    assert "Did you mean 'brier'?" in refusal(tmp_path, "one", one=text.replace("brier", "brierr"))
    elsewhere = text.replace("brier", "input_psy").replace("evaluation", "unknown")
    assert "Did you mean 'input_psi'?" in refusal(tmp_path, "one", one=elsewhere)


def test_a_range_that_nothing_can_be_in_is_refused(tmp_path: Path) -> None:
    text = pack_text("one", "a").replace("at_most", "between").replace("limit: 0.3", "limit: [0.5, 0.4]")
    assert refusal(tmp_path, "one", one=text) == "one.yaml:9: gates.a.limit is [0.5, 0.4]; needed: low ≤ high"
    assert combined(tmp_path, "one", one=text.replace("[0.5, 0.4]", "[0.4, 0.5]")).packs == ("one",)


@pytest.mark.parametrize("rest", ["", "gates: {}", "gates:\nextends: []", "gates: [1]", "overrides: {a: {limit: 1}}"])
def test_a_pack_without_gates_and_parents_is_refused(tmp_path: Path, rest: str) -> None:
    said = refusal(tmp_path, "one", one=f"pack: one\ndescription: d\n{rest}\n")
    assert ("holds no gates and extends no pack" in said) or ("gates is [1]; needed: a mapping" in said)


@pytest.mark.parametrize("text", ["- 1\n", "5\n", "null\n", "one: {two: [3]}\n"])
def test_what_is_no_pack_at_all_is_refused(tmp_path: Path, text: str) -> None:
    assert "one.yaml:1:" in refusal(tmp_path, "one", one=text)


def test_a_gate_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, "one", one="pack: one\ndescription: d\ngates: {a: 5, b: {}}\n")
    assert "one.yaml:3: gates.a is 5; needed: a mapping (`key: value`)" in said
    assert "one.yaml:3: gates.b.kind is missing; known: at_least, at_most, between, holds." in said
