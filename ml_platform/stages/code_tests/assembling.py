"""Assembling: the tests of `assemble`, on the first rows of the source's tables, in this process.

The tables hold what the contract hasn't seen yet, persons' names included; they go into no other process.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.code_tests import By, CodeTest, Tried
from ml_platform.core.errors import PlatformError
from ml_platform.policy.spec import ModelSpec, Role
from ml_platform.sources.read import read_tables
from ml_platform.stages.assemble import cut, read_declared, times_of
from ml_platform.stages.author_code import assembled
from ml_platform.stages.code_tests.attempt import attempt, untried
from ml_platform.stages.code_tests.bench import NotApplicable
from ml_platform.stages.code_tests.differ import several
from ml_platform.stages.code_tests.frames import columns_that_differ, fingerprint_of, rows_not_in
from ml_platform.stages.features_module import FeaturesModule

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

ROWS = 5_000
SECONDS = 30.0
SEED = 3
_SORT = (
    "Sort the table by what decides, a time or a number, before you shift, rank or drop rows. Where no column orders "
    "it, number a row by what it says: pd.util.hash_pandas_object(rows, index=False)."
)
Tables = Mapping[str, "pd.DataFrame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The first rows of the tables and what `assemble` makes of them."""

    spec: ModelSpec
    module: FeaturesModule
    tables: Tables
    frame: pd.DataFrame

    def again(self, tables: Tables) -> pd.DataFrame:
        return assembled(self.module, {name: table.copy() for name, table in tables.items()})

    def declared(self, *, known_before: bool = False) -> list[str]:
        """Return the contract's columns that are there; only those that no later event may decide, if asked."""
        return [
            name
            for name, column in self.spec.contract.items()
            if name in self.frame and not (known_before and (column.known == "after" or Role.TARGET in column.roles))
        ]


def try_assemble(spec: ModelSpec, module: FeaturesModule, *, seconds: float = SECONDS) -> Iterator[CodeTest]:
    """Yield what came of each test of `assemble`; a source that can't be read leaves them untried."""
    if module.assemble is None:
        for name in ASSEMBLE_CHECKS:
            yield CodeTest(name=name, by=By.PLATFORM, outcome=Tried.NOT_APPLICABLE, reason="the module has no assemble")
        return
    try:
        raw = read_tables(spec)
    except PlatformError as error:
        yield from (untried(name, f"the source can't be read: {error}") for name in ASSEMBLE_CHECKS)
        return
    yield from _tried(spec, module, raw, seconds)


def _tried(spec: ModelSpec, module: FeaturesModule, raw: Tables, seconds: float) -> Iterator[CodeTest]:
    made: list[_Source] = []
    first, *others = ASSEMBLE_CHECKS
    set_up = functools.partial(_set_up, spec, module, raw, made)
    yield attempt(first, set_up, next_step=ASSEMBLE_CHECKS[first][1], seconds=seconds, module=module)
    for name in others:
        look, step = ASSEMBLE_CHECKS[name]
        if not made:
            yield untried(name, f"{first} failed")
        elif made[0].frame.empty:
            yield untried(name, "assemble made no row of the source's tables")
        else:
            find = functools.partial(look, made[0])
            yield attempt(name, find, next_step=step, seconds=seconds, module=module)


def _set_up(spec: ModelSpec, module: FeaturesModule, raw: Tables, made: list[_Source]) -> str:
    """Assemble the first rows, or all where these make none, and say which tables that changed."""
    first = {name: table.head(ROWS) for name, table in raw.items()}
    wrong = _assemble(spec, module, first, made)
    if made[-1].frame.empty:
        made.clear()
        wrong = _assemble(spec, module, raw, made)
    return wrong


def _assemble(spec: ModelSpec, module: FeaturesModule, raw: Tables, made: list[_Source]) -> str:
    tables = {name: read_declared(spec, name, table, {}) for name, table in raw.items()}
    given = {name: table.copy() for name, table in tables.items()}
    made.append(_Source(spec=spec, module=module, tables=tables, frame=assembled(module, given)))
    if list(given) != list(tables):
        return "assemble changes the dict that it is given"
    changed = [f"'{name}'" for name, table in given.items() if fingerprint_of(table) != fingerprint_of(tables[name])]
    return f"assemble changes {several(changed)}" if changed else ""


def _same_twice(source: _Source) -> str:
    again = source.again(source.tables)
    if fingerprint_of(again) == fingerprint_of(source.frame):
        return ""
    return _difference(again, source.frame, source.declared()) or "the same tables gave the rows in another order"


def _row_order(source: _Source) -> str:
    rng = np.random.default_rng(SEED)
    mixed = {
        name: table.iloc[rng.permutation(len(table))].reset_index(drop=True) for name, table in source.tables.items()
    }
    return _difference(source.again(mixed), source.frame, source.declared())


def _later_rows(source: _Source) -> str:
    """Cut the tables in the middle of their time; what is left must be as it was, but for the outcome."""
    spec = source.spec
    if spec.time is None or not any(spec.time in table for table in source.tables.values()):
        raise NotApplicable("no table of the source has the model's time column")
    times = times_of(spec, source.frame).dropna().sort_values()
    if times.empty or times.iloc[0] == times.iloc[-1]:
        raise NotApplicable("all rows have the same time")
    moment = times.iloc[len(times) // 2].to_pydatetime()
    earlier = source.again({name: cut(spec, table, moment) for name, table in source.tables.items()})
    if earlier.empty:
        return "nothing is left of the rows before, once the later rows are gone"
    return _difference(earlier, source.frame, source.declared(known_before=True))


def _difference(found: pd.DataFrame, known: pd.DataFrame, columns: list[str]) -> str:
    lost = [name for name in columns if name not in found]
    if lost:
        return several([f"'{name}' is missing" for name in lost])
    count = rows_not_in(found, known, columns)
    if not count:
        return ""
    named = several([f"'{name}'" for name in columns_that_differ(found, known, columns)])
    where = f" (in {named})" if named else ""
    return f"{count:,} of {len(found):,} rows are others{where}"


ASSEMBLE_CHECKS: Mapping[str, tuple[Callable[[_Source], str], str]] = MappingProxyType(
    {
        "assemble_leaves_its_tables_as_they_are": (
            lambda _: "",
            "Work on a copy of the table, such as `assign` makes.",
        ),
        "assemble_gives_the_same_twice": (_same_twice, "Take no random numbers, clock or hash."),
        "assemble_ignores_row_order": (
            _row_order,
            _SORT,
        ),
        "assemble_sees_no_later_row": (
            _later_rows,
            "Make a column of rows up to its own time only; declare it `known: after` if it can't be known before.",
        ),
    }
)
