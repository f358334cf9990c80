from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.code_tests import CodeTest, Tried
from ml_platform.stages.code_tests.catalogue import CHECKS, ELSEWHERE, QUIET, RUNS
from ml_platform.stages.code_tests.in_child import told_by_child, try_in_child
from ml_platform.stages.code_tests.material import Material, of_bytes, to_bytes
from ml_platform_tests.stages.code import features_of
from ml_platform_tests.stages.code_tests.trying import GOOD, failed, material, transform_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EVERY = (RUNS, *CHECKS, QUIET, ELSEWHERE)


def tried(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, CodeTest]:
    module = features_of(code, folder, monkeypatch)
    found = {test.name: test for test in try_in_child(module, material(), model="parcels")}
    assert tuple(found) == EVERY
    return found


def test_a_sound_module_passes_in_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {test.outcome for test in tried(GOOD, tmp_path, monkeypatch).values()} == {Tried.PASSED}


def test_what_prints_and_what_goes_by_the_hash_of_a_text_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "print('anna@example.org' * 50_000); return {'x': w * (hash('parcel') % 1000)}"
    found = tried(transform_of(body), tmp_path, monkeypatch)
    assert failed(found) == {QUIET, ELSEWHERE}
    assert "characters were printed" in found[QUIET].reason
    assert "anna" not in found[QUIET].reason


def test_a_module_that_ends_its_process_leaves_the_rest_untried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "import os; os._exit(7) if w.size == 0 else None; return {'x': w}"
    found = tried(transform_of(body), tmp_path, monkeypatch)
    assert failed(found) == {"few_rows_are_handled"}
    assert found["few_rows_are_handled"].reason == "the process ended with 7"
    assert found["few_rows_are_handled"].fatal
    assert found[QUIET].outcome is found[ELSEWHERE].outcome is Tried.UNTRIED
    assert found["row_order_does_not_matter"].outcome is Tried.PASSED


def test_a_module_that_no_signal_reaches_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\ntime.sleep(600)\n"
    module = features_of(GOOD, tmp_path, monkeypatch)
    module.path.write_text(head + GOOD)
    found = {test.name: test for test in try_in_child(module, material(), model="parcels", wall=1.5)}
    assert failed(found) == {RUNS}
    assert found[RUNS].reason == "the process was ended after 1.5 s"
    assert found[RUNS].fatal


def test_a_module_that_needs_the_network_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "import socket\nsocket.create_connection(('127.0.0.1', 9))\n"
    module = features_of(GOOD, tmp_path, monkeypatch)
    module.path.write_text(head + GOOD)
    found = {test.name: test for test in try_in_child(module, material(), model="parcels")}
    assert failed(found) == {RUNS}
    assert "the network is off while code is tested" in found[RUNS].reason
    assert found["few_rows_are_handled"].outcome is Tried.UNTRIED


def test_code_that_changed_while_it_was_tested_is_not_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = features_of(GOOD, tmp_path, monkeypatch)
    module.path.write_text(f"{GOOD}# another\n")
    found = {test.name: test for test in try_in_child(module, material(), model="parcels")}
    assert found[ELSEWHERE].outcome is Tried.UNTRIED
    assert found[ELSEWHERE].reason == "the module's file changed while it was tested"


def test_a_process_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_platform.stages.code_tests.in_child.ENV", "/no/such/env")
    assert told_by_child(b"", "child", hash_seed="1", wall=1.0) == (
        [],
        "a process couldn't be started (No such file or directory)",
    )


def test_material_comes_back_as_it_was() -> None:
    one = material(7)
    other = of_bytes(to_bytes(one))
    for table in ("training", "rows", "requests", "promised"):
        before, after = getattr(one, table), getattr(other, table)
        assert tuple(before) == tuple(after)
        assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)
    assert other.levels == one.levels
    empty = Material(training={}, rows={}, requests={}, promised={}, levels={})
    assert of_bytes(to_bytes(empty)) == empty
