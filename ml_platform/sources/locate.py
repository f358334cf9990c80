"""Locate: the file or folder behind a table of the source, never outside the package it was declared in."""

from __future__ import annotations

import importlib.util
import os.path
from pathlib import Path, PurePosixPath
from typing import assert_never

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.spec import FileTable, PackageTable


def locate(where: str, table: PackageTable | FileTable) -> Path:
    """Return the path of an existing file or folder; `where` names the table in messages.

    A package is found by its import path without being imported, because data packages often can't be. Raises
    DataInvalid for a path that leaves its package, Unavailable when nothing is there.
    """
    match table:
        case PackageTable():
            path = _inside_package(where, table)
        case FileTable():
            path = Path(table.path)
        case _:
            assert_never(table)
    try:
        is_there = path.is_dir() or path.is_file()
    except OSError as error:
        raise Unavailable(
            f"{where}: {str(path)[:200]} can't be reached ({error.strerror}); {_advice(table)}"
        ) from error
    if not is_there:
        raise Unavailable(
            f"{where}: nothing is at {path}; a CSV or Parquet file or a folder of them is needed; {_advice(table)}"
        )
    return path


def _inside_package(where: str, table: PackageTable) -> Path:
    relative = PurePosixPath(table.path)
    if relative.is_absolute() or ".." in relative.parts:
        message = (
            f"{where}: the path '{table.path}' leaves the package '{table.package}'; a path inside it is needed; "
            "use `kind: file` for files elsewhere"
        )
        raise DataInvalid(message)
    return max((folder / relative for folder in _package_folders(where, table.package)), key=os.path.exists)


def _package_folders(where: str, package: str) -> list[Path]:
    top, *inner = package.split(".")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.submodule_search_locations:
        message = (
            f"{where}: no package '{package}' is installed here; it holds the table; install it or correct its name"
        )
        raise Unavailable(message)
    return [Path(folder, *inner) for folder in found.submodule_search_locations]


def _advice(table: PackageTable | FileTable) -> str:
    if isinstance(table, PackageTable):
        return f"install '{table.package}' again or correct `path`"
    return "put it there or correct `path` (a relative path counts from the working directory)"
