from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.code_tests import By, Tried
from ml_platform.stages.code_tests.own import ALL, own_digest, run_own
from ml_platform_tests.stages.code import features_of
from ml_platform_tests.stages.code_tests.trying import GOOD

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ml_platform.stages.features_module import FeaturesModule

TESTS = """\
import socket
import pytest
import MODULE as features

def test_good(): assert features.fit
def test_bad(): assert "anna@example.org" == features
def test_raises(): raise RuntimeError("anna@example.org")
@pytest.mark.skip
def test_later(): pass
def test_network(): socket.create_connection(("127.0.0.1", 9))
@pytest.fixture
def broken(): raise ValueError("anna@example.org")
def test_fixture(broken): pass
"""


def with_tests(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> FeaturesModule:
    module = features_of(GOOD, folder, monkeypatch)
    (folder / "tests").mkdir()
    for name, text in files.items():
        (folder / "tests" / f"{name}.py").write_text(text.replace("MODULE", module.name))
    return module


def test_without_a_test_file_there_is_nothing_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = features_of(GOOD, tmp_path, monkeypatch)
    assert own_digest(module) == ""
    assert run_own(module) == ()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").touch()
    assert own_digest(module) == ""


def test_every_test_is_told_with_its_line_and_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = with_tests(tmp_path, monkeypatch, test_it=TESTS, test_broken="import no_such_module_at_all")
    found = {test.name.rpartition("::")[2]: test for test in run_own(module)}
    assert {name: (test.outcome, test.reason) for name, test in found.items()} == {
        "test_broken.py": (Tried.FAILED, "it can't be imported"),
    }
    (tmp_path / "tests" / "test_broken.py").unlink()
    found = {test.name.rpartition("::")[2]: test for test in run_own(module)}
    assert {name: (test.outcome, test.reason) for name, test in found.items()} == {
        "test_good": (Tried.PASSED, ""),
        "test_bad": (Tried.FAILED, "test_it.py:6: failed (AssertionError)"),
        "test_raises": (Tried.FAILED, "test_it.py:7: failed (RuntimeError)"),
        "test_later": (Tried.NOT_APPLICABLE, "skipped"),
        "test_network": (Tried.FAILED, "test_it.py:10: failed (NoNetwork)"),
        "test_fixture": (Tried.FAILED, "test_it.py:12: failed (ValueError)"),
    }
    assert {test.by for test in found.values()} == {By.TEAM}


def test_settings_around_the_folder_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = with_tests(tmp_path, monkeypatch, test_it="def test_one(): pass")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError")
    assert [test.outcome for test in run_own(module)] == [Tried.PASSED]


def test_tests_that_end_or_block_their_process_are_untried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import os\ndef test_first(): pass\ndef test_ends(): os._exit(0)\ndef test_last(): pass\n"
    module = with_tests(tmp_path, monkeypatch, test_it=text)
    first, rest = run_own(module)
    assert first.outcome is Tried.PASSED
    assert (rest.name, rest.outcome) == (ALL, Tried.UNTRIED)
    assert rest.reason == "pytest told nothing in test_it.py::test_ends"
    (tmp_path / "tests" / "test_it.py").write_text("import time\ndef test_sleeps(): time.sleep(600)\n")
    (rest,) = run_own(module, wall=2.0)
    assert rest.outcome is Tried.UNTRIED
    assert "the process was ended after 2 s" in rest.reason


def test_files_without_a_test_and_a_missing_pytest_are_untried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = with_tests(tmp_path, monkeypatch, test_it="x = 1")
    (rest,) = run_own(module)
    assert (rest.outcome, rest.reason) == (Tried.UNTRIED, "pytest found no test in the files")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (rest,) = run_own(module)
    assert (rest.outcome, rest.reason) == (Tried.UNTRIED, "pytest isn't installed here")
    assert "Install pytest" in rest.next_step


def test_the_digest_follows_every_file_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = with_tests(tmp_path, monkeypatch, test_it="def test_one(): pass")
    before = own_digest(module)
    (tmp_path / "tests" / "__pycache__").mkdir()
    (tmp_path / "tests" / "__pycache__" / "test_it.pyc").write_bytes(b"x")
    assert own_digest(module) == before
    (tmp_path / "tests" / "expected.csv").write_text("1")
    assert own_digest(module) != before
