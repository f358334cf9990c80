"""`ml-platform test` tries a model's features module and ends with what that means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.orchestration.small_model import rows, write_model

if TYPE_CHECKING:
    import pytest

MODULE = "ml_platform_tests.orchestration.small_features"


def test_sound_code_passes_without_a_run_before(defs: Path, run: Run, tmp_path: Path) -> None:
    write_model(defs.parent, table=rows(800))
    said = run("test", "parcels", "--junit", str(tmp_path / "code.xml"))
    assert said.code == 0, said.err
    assert "✓ passed     row_order_does_not_matter" in said.out
    assert "the team's own tests · none" in said.out
    assert ET.parse(tmp_path / "code.xml").getroot().attrib["failures"] == "0"  # noqa: S314  our own file


def test_faulty_code_ends_with_one_and_a_missing_module_with_two(
    defs: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def transform(columns, state):\n    return {'x': columns['weight'] - columns['weight'].mean()}\n"
    (tmp_path / "looks_at_all_rows.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    write_model(defs.parent, (MODULE, "looks_at_all_rows"), table=rows(800))
    said = run("test", "parcels")
    assert said.code == 1
    assert "✗ failed     a_row_alone_gives_the_same\n             seen  'x' differs in 48 of 48 rows" in said.out
    assert "             do    Make each feature of its own row only" in said.out
    write_model(defs.parent, (MODULE, "no_such_module"), table=rows(800))
    said = run("test", "parcels")
    assert said.code == 2
    assert "features is 'no_such_module': it can't be imported" in said.err


def test_a_test_that_cannot_be_tried_is_not_enough_evidence(
    defs: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sound.py").write_text("def transform(columns, state):\n    return {'x': columns['weight']}\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_nothing.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    write_model(defs.parent, (MODULE, "sound"), table=rows(800))
    said = run("test", "parcels")
    assert said.code == 3
    assert "? not tried  own_tests\n             seen  pytest found no test in the files" in said.out
