"""Column names: which columns each table of a source has, as far as that can be told without reading its rows whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.spec import FileTable, PackageTable
from ml_platform.sources.content import names_in
from ml_platform.sources.files import file_pieces

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec, Table


def column_names(spec: ModelSpec) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table: those that the model file states, else those of its first file.

    Of a table whose columns can't be told this way (a URL or a query that states none, a file that is gone) there are
    none: who asks wants to know where a column comes from, and must not fail for it.
    """
    return {name: _names(f"{spec.model}: source.tables.{name}", table) for name, table in spec.source.tables.items()}


def _names(where: str, table: Table) -> tuple[str, ...]:
    if table.columns is not None:
        return tuple(table.columns)
    if not isinstance(table, PackageTable | FileTable):
        return ()
    try:
        first = file_pieces(where, table)[0]
        return (*names_in(first.where, first.read(), table.csv), *first.partition)
    except (DataInvalid, Unavailable):
        return ()
