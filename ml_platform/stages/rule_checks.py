"""Rule checks: which rows of a table in canonical types break which declared rule, of a column or between columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.workers import Workers
from ml_platform.policy.row_rules import RowRule, columns_of
from ml_platform.policy.spec import Role
from ml_platform.stages.break_rules import rows_that_break
from ml_platform.stages.cells import cells_of
from ml_platform.stages.coerce import FLAWS
from ml_platform.stages.column_parts import stays_here
from ml_platform.stages.formats import has_format, matches
from ml_platform.stages.keeps import surely_keeps
from ml_platform.stages.row_blocks import joined, row_blocks

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

    from ml_platform.policy.spec import Column

Rows = NDArray[np.bool_]
# A column and what its cells break, or "" and the name of a rule between columns.
Rule = tuple[str, str]

MISSING = "missing"
OUT_OF_RANGE = "out of range"
NO_LEVEL = "not a declared level"
NO_FORMAT = "not of the declared format"
NO_PATTERN = "not of the declared pattern"
NOT_UNIQUE = "not unique"
IN_ORDER = (NOT_UNIQUE, NO_LEVEL, NO_FORMAT, NO_PATTERN, MISSING, OUT_OF_RANGE)
_RULES = {"not_nullable": MISSING, "field_uniqueness": NOT_UNIQUE}
_NEVER_MISSING = {Role.TARGET, Role.TIME, Role.ENTITY, Role.WEIGHT}


def rules_broken(
    contract: Mapping[str, Column], rules: Mapping[str, RowRule], typed: pd.DataFrame, workers: Workers
) -> dict[Rule, Rows]:
    """Return which rows break which rule; each worker checks a block of them.

    What needs all rows (a unique column) and what tells of persons is checked here.
    """
    here = {name for name, column in contract.items() if column.unique or stays_here(column)}
    sent = {name: column for name, column in contract.items() if name not in here}
    ours = {name: rule for name, rule in rules.items() if here & set(columns_of(rule))}
    blocks = row_blocks(typed[list(sent)], workers.count)
    theirs = {name: rule for name, rule in rules.items() if name not in ours}
    found = joined(blocks, workers.each("checking", _block_broken, blocks, sent, theirs))
    alone = {name: column for name, column in contract.items() if name in here}
    return found | dict(_columns_broken(alone, typed)) | _between_columns(contract, ours, typed)


def _block_broken(
    block: pd.DataFrame, contract: Mapping[str, Column], rules: Mapping[str, RowRule]
) -> dict[Rule, Rows]:
    """Return which rows of a block break which rule; only rules that some row breaks."""
    found = dict(_columns_broken(contract, block)) | _between_columns(contract, rules, block)
    return {key: rows for key, rows in found.items() if rows.any()}


def _between_columns(
    contract: Mapping[str, Column], rules: Mapping[str, RowRule], typed: pd.DataFrame
) -> dict[Rule, Rows]:
    used = dict.fromkeys(name for rule in rules.values() for name in columns_of(rule))
    cells = {name: cells_of(typed[name], contract[name].type) for name in used}
    return {("", name): rows_that_break(rule, cells) for name, rule in rules.items()}


def in_order(found: Iterable[Rule], contract: Mapping[str, Column], rules: Mapping[str, RowRule]) -> list[Rule]:
    """Return broken rules in the order in which a row's reasons name them."""
    said = [(name, rule) for name, column in contract.items() for rule in (FLAWS[column.type], *IN_ORDER)]
    place = {rule: number for number, rule in enumerate([*said, *(("", name) for name in rules)])}
    return sorted(found, key=lambda rule: place.get(rule, len(place)))


def _columns_broken(contract: Mapping[str, Column], typed: pd.DataFrame) -> list[tuple[Rule, Rows]]:
    """Ask pandera for the rows that break each rule of a column. Its failure cases hold raw values and end here."""
    doubtful = {
        name: column
        for name, column in contract.items()
        if not surely_keeps(column, typed[name], nullable=is_nullable(column))
    }
    if not doubtful:
        return []
    from pandera.errors import SchemaErrors

    try:
        _schema(doubtful).validate(typed[list(doubtful)], lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    rows_of = cases.groupby(["column", "check"], sort=True)["index"]
    found = []
    for (column, check), index in rows_of:
        rows = np.zeros(len(typed), dtype=bool)
        rows[index.to_numpy(dtype=np.int64)] = True
        found.append(((str(column), _RULES.get(str(check), str(check))), rows))
    return found


def is_nullable(column: Column) -> bool:
    """Say whether a value of the column may be missing in a row."""
    return column.missing > 0 and not column.roles & _NEVER_MISSING


def _schema(contract: Mapping[str, Column]) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    return pa.DataFrameSchema({name: _column(column) for name, column in contract.items()})


def _column(column: Column) -> pa.Column:
    import pandera.pandas as pa

    checks = []
    if column.range is not None:
        checks.append(pa.Check.in_range(*column.range, error=OUT_OF_RANGE))
    if column.levels is not None:
        checks.append(pa.Check.isin(column.levels, error=NO_LEVEL))
    if column.format is not None:
        checks.append(_of_levels(partial(has_format, column.format), NO_FORMAT))
    if column.pattern is not None:
        checks.append(_of_levels(partial(matches, column.pattern), NO_PATTERN))
    return pa.Column(
        checks=checks,
        nullable=is_nullable(column),
        unique=column.unique,
        report_duplicates="exclude_first",
    )


def _of_levels(test: Callable[[Sequence[str]], Rows], error: str) -> pa.Check:
    """Return a check that looks at each level once."""
    import pandas as pd
    import pandera.pandas as pa

    def check(values: pd.Series) -> pd.Series:
        good = np.append(test([str(level) for level in values.cat.categories]), np.True_)
        return pd.Series(good[values.cat.codes.to_numpy()], index=values.index)

    return pa.Check(check, error=error)
