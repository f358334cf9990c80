"""Contract: which rows keep to the declared columns, and for every row that doesn't, why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.policy.row_rules import RowRule, columns_of
from ml_platform.policy.spec import Role
from ml_platform.stages.assemble import COERCED, SEPARATOR, UNREADABLE
from ml_platform.stages.break_rules import rows_that_break
from ml_platform.stages.cells import cells_of
from ml_platform.stages.coerce import FLAWS
from ml_platform.stages.formats import has_format, matches
from ml_platform.stages.keeps import surely_keeps
from ml_platform.stages.read_column import read_column

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)
    import pandera.pandas as pa

    from ml_platform.policy.spec import Column, ModelSpec

Rows = NDArray[np.bool_]
_NO_RULES: Mapping[str, RowRule] = MappingProxyType({})

MISSING = "missing"
OUT_OF_RANGE = "out of range"
NO_LEVEL = "not a declared level"
NO_FORMAT = "not of the declared format"
NO_PATTERN = "not of the declared pattern"
NOT_UNIQUE = "not unique"
_RULES = {"not_nullable": MISSING, "field_uniqueness": NOT_UNIQUE}
_NEVER_MISSING = {Role.TARGET, Role.TIME, Role.ENTITY, Role.WEIGHT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A frame of the contract's columns in canonical types, and the verdict on each row.

    `reasons` is "" for a row that keeps to the contract, else every `column: rule` it breaks, then the names of the
    broken rules between columns. `broken` counts rows by broken rule. `undeclared` names the columns that were seen
    and left behind. `coerced` counts the cells that were converted though no coercion was stated, by `column: how`.
    """

    frame: pd.DataFrame
    reasons: NDArray[np.object_]
    broken: Mapping[str, int]
    undeclared: tuple[str, ...]
    coerced: Mapping[str, int]

    @property
    def refused(self) -> NDArray[np.bool_]:
        """True for every row that breaks a rule, shape (n,)."""
        return np.asarray(self.reasons != "", dtype=np.bool_)

    @property
    def accepted(self) -> pd.DataFrame:
        """The rows that keep to the contract, in their order, with a fresh index."""
        return self.frame[~self.refused].reset_index(drop=True)


def contract_digest(spec: ModelSpec) -> str:
    """Return the digest of the contract's columns and of the rules between them."""
    columns = {name: column.model_dump(mode="json") for name, column in spec.contract.items()}
    rules = {name: rule.model_dump(mode="json") for name, rule in spec.rules.items()}
    return digest_of([columns, rules] if rules else columns)


def check_contract(spec: ModelSpec, frame: pd.DataFrame) -> Checked:
    """Check an assembled frame row by row; raises DataInvalid when a declared column isn't there at all."""
    return check_rows(spec.model, spec.contract, frame, rules=spec.rules)


def check_rows(
    where: str, contract: Mapping[str, Column], frame: pd.DataFrame, *, rules: Mapping[str, RowRule] = _NO_RULES
) -> Checked:
    """Check a frame row by row against a contract's columns and the rules between them; `where` names it in messages.

    A row may break several rules. A column with a declared share of missing values may be missing in any row; the
    share itself is for a gate to judge. Of rows with the same value in a unique column the first is accepted. Raises
    DataInvalid when a declared column isn't there at all.
    """
    import pandas as pd

    absent = [name for name in contract if name not in frame.columns]
    if absent:
        message = (
            f"{where}: the source has no column {', '.join(absent)}; the contract needs it; correct the source, "
            "`assemble` or the contract"
        )
        raise DataInvalid(message)
    read = {name: read_column(frame[name], column) for name, column in contract.items()}
    typed = pd.DataFrame({name: one.values for name, one in read.items()})
    unreadable = _unreadable(frame, {name: one.bad for name, one in read.items()})
    broken = [(name, FLAWS[contract[name].type], rows) for name, rows in unreadable.items()]
    for name, rule, rows in _columns_broken(contract, typed):
        broken.append((name, rule, rows & ~unreadable[name] if rule == MISSING else rows))
    order = {name: place for place, name in enumerate(contract)}
    broken.sort(key=lambda one: order[one[0]])
    found = {f"{name}: {rule}": rows for name, rule, rows in broken if rows.any()}
    found |= {name: rows for name, rows in _between_columns(contract, rules, typed) if rows.any()}
    return Checked(
        frame=typed,
        reasons=_reasons(len(typed), found),
        broken={rule: int(rows.sum()) for rule, rows in found.items()},
        undeclared=tuple(str(name) for name in frame.columns if name not in contract and not _marks(name)),
        coerced=_coerced(frame, {name: one.coerced for name, one in read.items()}),
    )


def _between_columns(
    contract: Mapping[str, Column], rules: Mapping[str, RowRule], typed: pd.DataFrame
) -> list[tuple[str, Rows]]:
    used = dict.fromkeys(name for rule in rules.values() for name in columns_of(rule))
    cells = {name: cells_of(typed[name], contract[name].type) for name in used}
    return [(name, rows_that_break(rule, cells)) for name, rule in rules.items()]


def _coerced(frame: pd.DataFrame, now: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return what was converted in the source's tables together with what is converted now."""
    before: Mapping[str, int] = frame.attrs.get(COERCED, {})
    told = {f"{name}: {how}": count for name, counts in now.items() for how, count in counts.items()}
    return {
        how: before.get(how, 0) + told.get(how, 0) for how in (*before, *(how for how in told if how not in before))
    }


def _marks(name: object) -> bool:
    return str(name).startswith(UNREADABLE)


def _unreadable(frame: pd.DataFrame, bad: Mapping[str, Rows]) -> dict[str, Rows]:
    """Return the cells that couldn't be read in the source's tables together with those that can't be read now."""
    found = dict(bad)
    for marks in filter(_marks, frame.columns):
        marked = frame[marks].astype("category")
        for code, names in enumerate(marked.cat.categories):
            rows = marked.cat.codes.to_numpy() == code
            for name in str(names).split(SEPARATOR):
                if name in found:
                    found[name] = found[name] | rows
    return found


def _reasons(count: int, broken: Mapping[str, Rows]) -> NDArray[np.object_]:
    reasons = np.full(count, "", dtype=object)
    for rule, rows in broken.items():
        reasons[rows] = [f"{known}{SEPARATOR}{rule}" if known else rule for known in reasons[rows]]
    return reasons


def _columns_broken(contract: Mapping[str, Column], typed: pd.DataFrame) -> list[tuple[str, str, Rows]]:
    """Ask pandera for every broken rule: (column, rule, rows). Its failure cases hold raw values and end here."""
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
        found.append((str(column), _RULES.get(str(check), str(check)), rows))
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
