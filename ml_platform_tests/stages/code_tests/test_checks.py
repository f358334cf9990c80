from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ml_platform.core.code_tests import Tried
from ml_platform.stages.code_tests.catalogue import CHECKS, RUNS
from ml_platform_tests.stages.code import features_of
from ml_platform_tests.stages.code_tests.trying import GOOD, failed, outcomes, transform_of

if TYPE_CHECKING:
    from pathlib import Path

# The child ignores numpy's warnings; in this process they would be errors.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ACROSS_ROWS = {"a_row_alone_gives_the_same", "later_rows_do_not_matter", "other_rows_do_not_matter"}
ORDER = "row_order_does_not_matter"


def test_a_sound_module_passes_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = outcomes(features_of(GOOD, tmp_path, monkeypatch))
    assert tuple(found) == (RUNS, *CHECKS)
    assert {test.outcome for test in found.values()} == {Tried.PASSED}


def test_what_a_module_does_not_have_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = outcomes(features_of(transform_of("return {'x': w}"), tmp_path, monkeypatch))
    without = {name for name, test in found.items() if test.outcome is Tried.NOT_APPLICABLE}
    assert without == {"state_is_json", "fit_ignores_row_order"}
    assert not failed(found)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("return {'x': w - np.nanmean(w)}", ACROSS_ROWS),
        ("return {'x': np.argsort(np.argsort(w)).astype(float)}", ACROSS_ROWS),
        (
            "return {'x': np.cumsum(np.nan_to_num(w))}",
            {"a_row_alone_gives_the_same", ORDER, "other_rows_do_not_matter"},
        ),
        ("return {'x': np.append(w[1:], np.nan)}", {*ACROSS_ROWS, ORDER}),
        ("return {'x': np.append(np.nan, w[:-1])}", {"a_row_alone_gives_the_same", ORDER, "other_rows_do_not_matter"}),
        ("return {'x': w[::-1].copy()}", {*ACROSS_ROWS, ORDER}),
        ("return {'x': np.arange(w.size, dtype=float)}", {"a_row_alone_gives_the_same", ORDER}),
        ("return {'x': w / (columns['pieces'] - 1)}", {"promised_rows_are_handled", "features_are_finite_or_missing"}),
        ("return {'x': np.random.rand(w.size)}", {"same_input_gives_the_same", ORDER, *ACROSS_ROWS}),
        ("return {'x': np.random.default_rng().random(w.size)}", {"same_input_gives_the_same", ORDER, *ACROSS_ROWS}),
    ],
)
def test_a_feature_of_other_rows_or_of_chance_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, wrong: set[str]
) -> None:
    found = outcomes(features_of(transform_of(body), tmp_path, monkeypatch))
    assert wrong <= failed(found)
    first = found[min(wrong)]
    assert "'x'" in first.reason
    assert first.next_step


@pytest.mark.parametrize(
    ("body", "wrong", "words"),
    [
        ("w[:] = 0.0; return {'x': w}", "inputs_stay_as_they_are", r"\.py:5: transform changes one of its inputs"),
        ("w += 1.0; return {'x': w}", "inputs_stay_as_they_are", "transform changes one of its inputs"),
        ("columns['new'] = w; return {'x': w}", "inputs_stay_as_they_are", "changes the dict .* 'new' is new"),
        ("w.flags.writeable = True; w[0] = -1; return {'x': w}", "inputs_stay_as_they_are", "changes 'weight'"),
        ("state['seen'] = 1; return {'x': w}", "state_stays_as_it_is", "changes the state"),
        ("state['seen'] = w; return {'x': w}", "state_stays_as_it_is", "changes the state"),
        ("return {'x': w} if w.size > 1 else {'y': w}", "a_row_alone_gives_the_same", "'x' is missing; 'y' is new"),
        ("return {'x': w} if w.size else {'y': w}", "few_rows_are_handled", "no row: 'x' is missing"),
        ("return {'x': w + np.zeros(w.size)[-1]}", "few_rows_are_handled", r"transform failed .*IndexError"),
        (
            "return {'x': w, 'y': w} if np.isnan(w).any() else {'y': w, 'x': w}",
            "promised_rows_are_handled",
            "another order",
        ),
        (
            "return {'x': np.array([float(int(one)) for one in w])}",
            "missing_values_are_handled",
            r"without 'weight': .*\.py:5: transform failed on its data \(ValueError\)",
        ),
        ("return {'x': np.where(np.isnan(w), np.inf, w)}", "missing_values_are_handled", "'x' is infinite in 60 of 60"),
        (
            "return {'x': np.arange(3.0)[columns['site'].astype(int)]}",
            "unseen_levels_are_handled",
            r"'site' with a level never seen: .*IndexError",
        ),
        (
            "return {'x': np.where(columns['site'] == 2, np.inf, w)}",
            "unseen_levels_are_handled",
            "'site' with the last declared level: 'x' is infinite",
        ),
    ],
)
def test_each_fault_is_named_with_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, wrong: str, words: str
) -> None:
    found = outcomes(features_of(transform_of(body), tmp_path, monkeypatch))
    assert wrong in failed(found), {name: test.reason for name, test in found.items() if test.reason}
    assert re.search(words, found[wrong].reason), found[wrong].reason
    assert str(tmp_path) not in found[wrong].reason


@pytest.mark.parametrize(
    ("learned", "wrong", "words"),
    [
        ("{'first': float(columns['weight'][0])}", "fit_ignores_row_order", r"state\['first'\] differs"),
        ("{'all': [float(one) for one in columns['weight']]}", "fit_ignores_row_order", r"state\['all'\]\[0\] differs"),
        ("{1: 2.0}", "state_is_json", "state has other keys"),
        ("{'names': {'a'}}", "state_is_json", r"state\['names'\] differs"),
        ("{'dice': float(np.random.rand())}", "same_input_gives_the_same", "fit learns something else"),
        ("{'n': columns['weight'].sort() or 1}", "inputs_stay_as_they_are", "fit changes one of its inputs"),
        ("{'x': object()}", RUNS, "fit returned something else than a dict of JSON values"),
        ("{'x': float('nan')}", RUNS, "fit returned something else than a dict of JSON values"),
        ("{'x': columns['weight']}", RUNS, "fit returned something else than a dict of JSON values"),
    ],
)
def test_what_fit_learns_has_to_be_the_same_plain_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learned: str, wrong: str, words: str
) -> None:
    head = f"def fit(columns):\n    return {learned}\n"
    found = outcomes(features_of(transform_of("return {'x': w}", head=head), tmp_path, monkeypatch))
    assert wrong in failed(found)
    assert re.search(words, found[wrong].reason), found[wrong].reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('anna@example.org')", r"\.py:5: transform failed on its data \(RuntimeError\)"),
        ("return {'x': w[:1]}", r"'x' as float64 \(1,\)"),
        ("return {'x': w.astype('float32')}", "'x' as float32"),
        ("return {}", "transform returns no columns"),
        ("import sys; sys.exit(0)", r"\.py:5: the module ends its process"),
    ],
)
def test_a_module_that_fails_on_real_rows_is_told_its_line_and_nothing_else_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    found = outcomes(features_of(transform_of(body), tmp_path, monkeypatch))
    assert failed(found) == {RUNS}
    assert re.search(words, found[RUNS].reason), found[RUNS].reason
    assert "anna" not in found[RUNS].reason
    assert {found[name].outcome for name in CHECKS} == {Tried.UNTRIED}
    assert found[RUNS].fatal == ("exit" in body)


def test_a_module_that_never_ends_is_ended_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "import time\n    while np.isnan(w).all():\n        try: time.sleep(9)\n        except Exception: 0\n"
    module = features_of(transform_of(f"{body}    return {{'x': w}}"), tmp_path, monkeypatch)
    found = outcomes(module, seconds=0.2)
    slow = found["missing_values_are_handled"]
    assert slow.fatal
    assert f"{module.path.name}:7: still running after 0.2 s" in slow.reason
    assert found["features_are_finite_or_missing"].outcome is Tried.UNTRIED
