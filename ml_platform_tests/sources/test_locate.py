from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.spec import FileTable, PackageTable
from ml_platform.sources.locate import locate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that can't be imported, with a table inside."""
    folder = tmp_path / "brittle_package"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('nobody may import me')")
    (folder / "data" / "rows.csv").write_text("a\n1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def table(path: str, package: str = "brittle_package") -> PackageTable:
    return PackageTable(kind="package", package=package, path=path)


def test_a_table_is_found_in_a_package_that_can_not_be_imported(package: Path) -> None:
    assert locate("m: source.tables.t", table("data/rows.csv")) == package / "data" / "rows.csv"
    assert "brittle_package" not in sys.modules


def test_a_dotted_package_is_walked_without_importing_its_parents(package: Path) -> None:
    assert locate("t", table("rows.csv", "brittle_package.data")) == package / "data" / "rows.csv"
    assert "brittle_package" not in sys.modules


@pytest.mark.parametrize("path", ["../outside.csv", "data/../../outside.csv", "/etc/hostname"])
def test_a_path_that_leaves_its_package_is_refused(package: Path, path: str) -> None:
    (package.parent / "outside.csv").write_text("a\n1\n")
    with pytest.raises(DataInvalid, match="leaves the package 'brittle_package'"):
        locate("t", table(path))


@pytest.mark.parametrize("name", ["no_such_package", "sys", ".", "brittle_package.none"])
def test_a_package_that_is_not_there_is_named_with_what_to_do(package: Path, name: str) -> None:
    del package
    with pytest.raises(Unavailable, match="install"):
        locate("m: source.tables.t", table("data/rows.csv", name))


def test_a_missing_file_names_table_and_path(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"m: source.tables.t: nothing is at .*none.csv; .*correct `path`"):
        locate("m: source.tables.t", FileTable(kind="file", path=str(tmp_path / "none.csv")))


@pytest.mark.parametrize("path", ["\0", "x" * 5000])
def test_a_path_that_no_file_can_have_is_refused_with_what_to_do(path: str) -> None:
    with pytest.raises(Unavailable, match="correct `path`"):
        locate("t", FileTable(kind="file", path=path))


def test_a_folder_may_be_a_table(tmp_path: Path) -> None:
    assert locate("t", FileTable(kind="file", path=str(tmp_path))) == tmp_path
