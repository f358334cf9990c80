"""Rows to learn from, and whether a task can be learned from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from ml_platform.policy.spec import Learner, Objective

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows to learn from: values of shape (n, k), targets of shape (n,), the names of the k columns.

    A target is 0 or 1, the code of one of `classes` for multiclass, any finite number otherwise. `weight`, shape
    (n,), says how much a row counts; None: each the same.
    """

    values: Floats
    target: Floats
    names: tuple[str, ...]
    categorical: tuple[str, ...] = ()
    weight: Floats | None = None
    classes: tuple[str, ...] = ()


def require_usable(part: str, rows: Rows, learner: Learner, *, teach: bool) -> None:
    """Raise DataInvalid when the rows don't fit the learner's task.

    Rows that `teach` need every class, or targets that differ; others (the validation rows) only legal targets.
    """
    flaw = _form_flaw(rows) or _target_flaw(rows, learner, teach=teach) or _number_flaw(rows)
    if flaw:
        needed = "finite features (missing ones are NaN), finite weights of 0 or more and outcomes of the task"
        classes = " of every class" if rows.classes or learner.task == "binary" else ""
        message = f"{part} rows: {flaw}; {needed}{classes} are needed; look at the split and the target column"
        raise DataInvalid(message)


def _form_flaw(rows: Rows) -> str:
    if rows.values.shape != (rows.target.size, len(rows.names)):
        return f"the values have the shape {rows.values.shape}, not ({rows.target.size}, {len(rows.names)})"
    if rows.weight is not None and rows.weight.shape != rows.target.shape:
        return f"the weights have the shape {rows.weight.shape}, not ({rows.target.size},)"
    return "" if rows.target.size else "there are none"


def _number_flaw(rows: Rows) -> str:
    infinite = int(np.isinf(rows.values).sum())
    if infinite:
        return f"{infinite:,} values are infinite"
    if rows.weight is None:
        return ""
    bad = int((~(np.isfinite(rows.weight) & (rows.weight >= 0))).sum())
    if bad:
        return f"{bad:,} of {rows.weight.size:,} weights are negative or not finite"
    return "" if rows.weight.any() else f"all {rows.weight.size:,} weights are 0"


def _target_flaw(rows: Rows, learner: Learner, *, teach: bool) -> str:
    match learner.task:
        case "binary":
            return _binary_flaw(rows.target)
        case "multiclass":
            return _multiclass_flaw(rows, teach=teach)
        case "regression" | "quantile":
            return _number_target_flaw(rows.target, learner.objective, teach=teach)
        case task:
            assert_never(task)


def _binary_flaw(target: Floats) -> str:
    bad = int(((target != 0) & (target != 1)).sum())
    if bad:
        return f"{bad:,} of {target.size:,} outcomes are neither 0 nor 1"
    return f"all {target.size:,} outcomes are of one class" if np.ptp(target) == 0 else ""


def _multiclass_flaw(rows: Rows, *, teach: bool) -> str:
    count = len(rows.classes)
    bad = int((~np.isin(rows.target, np.arange(count))).sum())
    if bad:
        return f"{bad:,} of {rows.target.size:,} outcomes are no code of one of the {count} classes"
    seen = np.bincount(rows.target.astype(np.int64), minlength=count)
    absent = [name for name, n in zip(rows.classes, seen, strict=True) if n == 0]
    return f"no outcome is of class {', '.join(absent)}" if teach and absent else ""


_LEGAL: Mapping[Objective, tuple[str, Callable[[Floats], NDArray[np.bool_]]]] = MappingProxyType(
    {
        "poisson": ("0 or more", lambda target: target >= 0),
        "tweedie": ("0 or more", lambda target: target >= 0),
        "gamma": ("above 0", lambda target: target > 0),
    }
)


def _number_target_flaw(target: Floats, objective: Objective, *, teach: bool) -> str:
    bad = int((~np.isfinite(target)).sum())
    if bad:
        return f"{bad:,} of {target.size:,} outcomes are missing or not finite"
    if objective in _LEGAL:
        words, legal = _LEGAL[objective]
        wrong = int((~legal(target)).sum())
        if wrong:
            return f"{wrong:,} of {target.size:,} outcomes aren't {words}, as objective {objective} needs"
    return f"all {target.size:,} outcomes are the same" if teach and np.ptp(target) == 0 else ""
