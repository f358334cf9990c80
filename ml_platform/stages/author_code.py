"""Author code: the calls into a features module; a fault in it becomes a clear error that holds no values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid
from ml_platform.stages.encode import Columns
from ml_platform.stages.features_module import FeaturesModule

if TYPE_CHECKING:
    import pandas as pd

ResultT = TypeVar("ResultT")
FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


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
    outputs = dict(_call(module, "transform", module.transform, inputs, state))
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
    except FAULTS as error:
        what = f"no {error}" if isinstance(error, KeyError) else type(error).__name__
        raise DataInvalid(
            f"{module.path}:{_line(module, error)}: {name} failed on its data ({what}); it has to cope with every "
            "column, missing values included; correct it, or the source whose columns changed"
        ) from None


def _line(module: FeaturesModule, error: BaseException) -> int:
    """Return the last line of the author's file that the error came through."""
    line, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == str(module.path):
            line = step.tb_lineno
        step = step.tb_next
    return line
