"""Contract: which rows keep to the declared columns, and for every row that doesn't, why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Role
from ml_platform.stages.assemble import SEPARATOR, UNREADABLE
from ml_platform.stages.coerce import FLAWS, coerce

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)
    import pandera.pandas as pa

    from ml_platform.policy.spec import Column, ModelSpec

Rows = NDArray[np.bool_]

MISSING = "missing"
OUT_OF_RANGE = "out of range"
NO_LEVEL = "not a declared level"
NOT_UNIQUE = "not unique"
_RULES = {"not_nullable": MISSING, "field_uniqueness": NOT_UNIQUE}
_NEVER_MISSING = {Role.TARGET, Role.TIME, Role.ENTITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A frame of the contract's columns in canonical types, and the verdict on each row.

    `reasons` is "" for a row that keeps to the contract, else every `column: rule` it breaks. `broken` counts rows
    by broken rule. `undeclared` names the columns that were seen and left behind.
    """

    frame: pd.DataFrame
    reasons: NDArray[np.object_]
    broken: Mapping[str, int]
    undeclared: tuple[str, ...]

    @property
    def refused(self) -> NDArray[np.bool_]:
        """True for every row that breaks a rule, shape (n,)."""
        return np.asarray(self.reasons != "", dtype=np.bool_)

    @property
    def accepted(self) -> pd.DataFrame:
        """The rows that keep to the contract, in their order, with a fresh index."""
        return self.frame[~self.refused].reset_index(drop=True)


def contract_digest(spec: ModelSpec) -> str:
    """Return the digest of the contract's columns."""
    return digest_of({name: column.model_dump(mode="json") for name, column in spec.contract.items()})


def check_contract(spec: ModelSpec, frame: pd.DataFrame) -> Checked:
    """Check an assembled frame row by row; raises DataInvalid when a declared column isn't there at all."""
    return check_rows(spec.model, spec.contract, frame)


def check_rows(where: str, contract: Mapping[str, Column], frame: pd.DataFrame) -> Checked:
    """Check a frame row by row against a contract's columns; `where` names it in messages.

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
    read = {name: coerce(frame[name], column.type, column.levels or ()) for name, column in contract.items()}
    typed = pd.DataFrame({name: values for name, (values, _) in read.items()})
    unreadable = _unreadable(frame, {name: bad for name, (_, bad) in read.items()})
    broken = [(name, FLAWS[contract[name].type], rows) for name, rows in unreadable.items()]
    for name, rule, rows in _rules_broken(contract, typed):
        broken.append((name, rule, rows & ~unreadable[name] if rule == MISSING else rows))
    order = {name: place for place, name in enumerate(contract)}
    broken.sort(key=lambda one: order[one[0]])
    found = {f"{name}: {rule}": rows for name, rule, rows in broken if rows.any()}
    return Checked(
        frame=typed,
        reasons=_reasons(len(typed), found),
        broken={rule: int(rows.sum()) for rule, rows in found.items()},
        undeclared=tuple(str(name) for name in frame.columns if name not in contract and not _marks(name)),
    )


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


def _rules_broken(contract: Mapping[str, Column], typed: pd.DataFrame) -> list[tuple[str, str, Rows]]:
    """Ask pandera for every broken rule: (column, rule, rows). Its failure cases hold raw values and end here."""
    from pandera.errors import SchemaErrors

    try:
        _schema(contract).validate(typed, lazy=True)
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
    return pa.Column(
        checks=checks,
        nullable=column.missing > 0 and not column.roles & _NEVER_MISSING,
        unique=column.unique,
        report_duplicates="exclude_first",
    )
