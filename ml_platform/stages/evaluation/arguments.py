"""Arguments: what a notebook hands over, checked before anything is measured."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Costs, Task

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]
TASKS: tuple[Task, ...] = get_args(Task)


def known(call: str, role: str, name: str, names: Collection[str]) -> None:
    """Raise DataInvalid, with the nearest name, for a name that isn't among those there are."""
    if name in names:
        return
    near = difflib.get_close_matches(str(name), names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names)}"
    raise DataInvalid(f"{call}: {role} is {name!r}, which isn't known; {hint}")


def share(call: str, role: str, value: object) -> None:
    """Raise DataInvalid for what is no number between 0 and 1, exclusive."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise DataInvalid(f"{call}: {role} is {value!r}; a number between 0 and 1 is needed, such as 0.5")


def not_negative(call: str, role: str, value: object) -> None:
    """Raise DataInvalid for what is no finite number >= 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
        raise DataInvalid(f"{call}: {role} is {value!r}; a number ≥ 0 is needed, in the metric's own unit")


def outcomes(call: str, y_true: ArrayLike) -> Floats:
    """Return outcomes as numbers, shape (n,); True and False are 1 and 0."""
    return _numbers(call, "y_true", y_true, dimensions=(1,))


def predictions(call: str, role: str, values: ArrayLike, rows: int, *, classes: bool) -> Floats:
    """Return one number per row, or with `classes` one probability per class, shape (n, classes)."""
    found = _numbers(call, role, values, dimensions=(2,) if classes else (1, 2))
    if not classes and found.ndim == 2:
        if found.shape[1] != 1:
            message = (
                f"{call}: {role} has the shape {found.shape}; one number per row is needed; for two classes pass the "
                'probability of 1 (`predict_proba(x)[:, 1]`), for more say task="multiclass"'
            )
            raise DataInvalid(message)
        found = found[:, 0]
    if len(found) != rows:
        raise DataInvalid(f"{call}: {role} has {len(found):,} rows and y_true {rows:,}; pass both of the same rows")
    return found


def one_per_row(call: str, role: str, values: ArrayLike | None, rows: int) -> NDArray[np.generic] | None:
    """Return a column of any type, shape (n,); None when there is none."""
    if values is None:
        return None
    found = np.asarray(values)
    if found.shape != (rows,):
        raise DataInvalid(f"{call}: {role} has the shape {found.shape}; ({rows},) is needed, one value per row")
    return found


def attributes(groups: object, rows: int) -> dict[str, NDArray[np.generic]]:
    """Return one column of group names per attribute, from a table, a mapping or a single column."""
    columns: Mapping[str, ArrayLike]
    if groups is None:
        columns = {}
    elif hasattr(groups, "columns"):
        twice = [name for name in dict.fromkeys(groups.columns) if list(groups.columns).count(name) > 1]
        if twice:
            raise DataInvalid(
                f"evaluate: groups has several columns named {twice[0]!r}; names must differ; rename them"
            )
        columns = {str(name): groups[name] for name in groups.columns}  # type: ignore[index]
    elif isinstance(groups, Mapping):
        columns = {str(name): values for name, values in groups.items()}
    else:
        columns = {str(getattr(groups, "name", None) or "group"): groups}  # type: ignore[dict-item]
    found = {name: one_per_row("evaluate", f"groups[{name!r}]", values, rows) for name, values in columns.items()}
    return {name: values for name, values in found.items() if values is not None}


def costs(call: str, given: object, classes: int) -> Floats | None:
    """Return a cost per outcome (row) and decision (column), shape (classes, classes); None when none are given.

    For two classes a mapping with false_positive and false_negative does, true_positive and true_negative being 0.
    """
    if given is None:
        return None
    if classes < 2:
        raise DataInvalid(f"{call}: costs are given, but a number is no decision; needed: a task with classes")
    if isinstance(given, Mapping):
        return np.array(_binary_costs(call, given, classes).matrix)
    table = _numbers(call, "costs", given, dimensions=(2,))  # type: ignore[arg-type]
    if table.shape != (classes, classes) or not np.isfinite(table).all():
        message = (
            f"{call}: costs have the shape {table.shape}; finite numbers of shape ({classes}, {classes}) are needed"
        )
        raise DataInvalid(f"{message}: a row per outcome, a column per decision")
    return table


def _binary_costs(call: str, given: Mapping[object, object], classes: int) -> Costs:
    if classes != 2:
        raise DataInvalid(f"{call}: costs are a mapping, but there are {classes} classes; pass a table of all pairs")
    for name in given:
        known(call, "a name in costs", str(name), list(Costs.model_fields))
    try:
        return Costs.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        needed = "finite false_positive and false_negative, and if wanted true_positive and true_negative, are needed"
        raise DataInvalid(f"{call}: costs[{where!r}]: {first['msg'].lower()}; {needed}") from None


def _numbers(call: str, role: str, values: ArrayLike, dimensions: tuple[int, ...]) -> Floats:
    try:
        found = np.asarray(values)
        found = (
            np.array([np.nan if one is None else one for one in found]) if found.dtype == object else found
        ).astype(np.float64)
    except (TypeError, ValueError):
        message = f"{call}: {role} holds values that are no numbers; numbers are needed; encode classes as 0, 1, 2, …"
        raise DataInvalid(message) from None
    if found.ndim not in dimensions:
        shape = "(n, classes), one probability per class" if dimensions == (2,) else "(n,), one number per row"
        raise DataInvalid(f"{call}: {role} has the shape {found.shape}; {shape}, is needed")
    return found
