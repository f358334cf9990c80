"""Author code: the calls into a features module; a fault in it becomes a clear error that holds no values."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid
from ml_platform.stages.encode import Columns
from ml_platform.stages.features_module import FeaturesModule

if TYPE_CHECKING:
    import pandas as pd

ResultT = TypeVar("ResultT")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]{0,60}")


def assembled(module: FeaturesModule, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Run `assemble` and give the frame a fresh index; raises DataInvalid when the module has none or it fails."""
    import pandas as pd

    if module.assemble is None:
        raise DataInvalid(
            f"{module.name}: the source has the tables {sorted(tables)} and there is no `assemble`; one frame is "
            "needed; write assemble(tables)"
        )
    frame = _call(module, "assemble", module.assemble, tables)
    if not isinstance(frame, pd.DataFrame):
        raise DataInvalid(f"{module.name}: assemble returned {type(frame).__name__}; a DataFrame is needed; correct it")
    return frame.reset_index(drop=True)


def fitted(module: FeaturesModule, train: Columns) -> dict[str, Any]:
    """Run `fit` on the training rows and return what it learned as plain JSON values; {} when there is no `fit`."""
    if module.fit is None:
        return {}
    learned = _call(module, "fit", module.fit, train)
    try:
        found = json.loads(canonical_json(learned))
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise DataInvalid(
            f"{module.name}: fit returned something else than a dict of JSON values; one with finite numbers, lists "
            "and texts is needed; correct it"
        )
    return found


def transformed(module: FeaturesModule, inputs: Columns, state: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Run `transform`; DataInvalid when it fails or returns other than float64 columns of the inputs' length."""
    returned = _call(module, "transform", module.transform, inputs, state)
    if not isinstance(returned, Mapping):
        raise DataInvalid(
            f"{module.path}: transform returned {type(returned).__name__}; a dict of named float64 columns is needed; "
            "correct it"
        )
    outputs = dict(returned)
    rows = len(next(iter(inputs.values())))
    for name, values in outputs.items():
        if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.shape != (rows,):
            seen = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
            raise DataInvalid(
                f"{module.name}: transform returns '{name}' as {seen}; float64 ({rows},) is needed; correct it"
            )
    if not outputs:
        raise DataInvalid(f"{module.name}: transform returns no columns; at least one feature is needed; correct it")
    return outputs


def _call(module: FeaturesModule, name: str, function: Callable[..., ResultT], *arguments: object) -> ResultT:
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001  (it may fail in any way, and its words may hold what is in the table)
        where = f"{module.path}:{line_in(module, error)}"
        raise DataInvalid(f"{where}: {name} {_explained(error, arguments[0])}") from None


def _explained(error: BaseException, given: object) -> str:
    """Say what went wrong without repeating a value: only names of columns are told."""
    if isinstance(error, KeyError) and _are_columns(given):
        near = difflib.get_close_matches(str(error.args[0]), list(given), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return (
            f"asks for {error}, which it isn't given; it has: {', '.join(given)}.{hint} Only columns with the role "
            "feature are given, never the target; correct it, or the contract"
        )
    if isinstance(error, ValueError) and "read-only" in str(error):
        return "changes one of its inputs; they are read-only, as other features need them too; work on a copy"
    keys = _missing(error, given) if isinstance(error, KeyError) else ()
    what = f"no {', '.join(map(repr, keys))}" if keys else type(error).__name__
    return (
        f"failed on its data ({what}); it has to cope with every column, missing values included; "
        "correct it, or the source whose columns changed"
    )


def _missing(error: KeyError, given: object) -> tuple[str, ...]:
    """Return the keys that were missing, if each reads like a column's name and is part of no text in the tables."""
    said = str(error.args[0]) if error.args else ""
    keys = tuple(re.findall(r"'([^']*)'", re.sub(r"dtype='\w+'", "", said))) or (said,)
    tables = tuple(given.values()) if isinstance(given, Mapping) else ()
    told = all(_NAME.fullmatch(key) and not any(_holds(table, key) for table in tables) for key in keys)
    return keys if told else ()


def _holds(table: object, key: str) -> bool:
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        return True
    columns = [table.iloc[:, at] for at in range(table.shape[1])]
    texts = [column.dropna().unique() for column in columns if not pd.api.types.is_numeric_dtype(column.dtype)]
    return any(key.lower() in str(value).lower() for values in texts for value in values)


def _are_columns(given: object) -> TypeGuard[Mapping[str, NDArray[np.float64]]]:
    return isinstance(given, Mapping) and all(isinstance(values, np.ndarray) for values in given.values())


def line_in(module: FeaturesModule, error: BaseException) -> int:
    """Return the last line of the author's file that an error came through; 0 when it never was there."""
    line, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == str(module.path):
            line = step.tb_lineno
        step = step.tb_next
    return line
