"""Contract: which rows keep to the declared columns, and for every row that doesn't, why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.learners.workers import HERE, Workers
from ml_platform.policy.row_rules import RowRule
from ml_platform.stages.assemble import COERCED, SEPARATOR, UNREADABLE
from ml_platform.stages.coerce import FLAWS
from ml_platform.stages.read_column import read_column
from ml_platform.stages.rule_checks import MISSING, in_order, rules_broken

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.policy.spec import Column, ModelSpec

Rows = NDArray[np.bool_]
_NO_RULES: Mapping[str, RowRule] = MappingProxyType({})


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


def check_contract(spec: ModelSpec, frame: pd.DataFrame, *, workers: Workers = HERE) -> Checked:
    """Check an assembled frame row by row; raises DataInvalid when a declared column isn't there at all."""
    return check_rows(spec.model, spec.contract, frame, rules=spec.rules, workers=workers)


def check_rows(
    where: str,
    contract: Mapping[str, Column],
    frame: pd.DataFrame,
    *,
    rules: Mapping[str, RowRule] = _NO_RULES,
    workers: Workers = HERE,
) -> Checked:
    """Check a frame row by row against a contract's columns and the rules between them; `where` names it in messages.

    A row may break several rules. A column with a declared share of missing values may be missing in any row; the
    share itself is for a gate to judge. Of rows with the same value in a unique column the first is accepted. The
    verdicts are the same on any workers. Raises DataInvalid when a declared column isn't there at all.
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
    broken = {(name, FLAWS[contract[name].type]): rows for name, rows in unreadable.items()}
    for (name, rule), rows in rules_broken(contract, rules, typed, workers).items():
        broken[name, rule] = rows & ~unreadable[name] if rule == MISSING else rows
    found = {key: broken[key] for key in in_order(broken, contract, rules) if broken[key].any()}
    by_name = {f"{name}: {rule}" if name else rule: rows for (name, rule), rows in found.items()}
    return Checked(
        frame=typed,
        reasons=_reasons(len(typed), by_name),
        broken={rule: int(rows.sum()) for rule, rows in by_name.items()},
        undeclared=tuple(str(name) for name in frame.columns if name not in contract and not _marks(name)),
        coerced=_coerced(frame, {name: one.coerced for name, one in read.items()}),
    )


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
