"""Remedy: the line of a model file that would catch a fault which slipped through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import number_text
from ml_platform.policy.gates import AtMost
from ml_platform.policy.spec import PersonalData

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.resolve import Policy
    from ml_platform.policy.spec import Column, ModelSpec
    from ml_platform.stages.faults.gates import Heard

MOST_LEVELS = 20
CLEARLY_MORE = 2.0


def remedy(
    spec: ModelSpec, policy: Policy, *, clean: Heard, faulty: Heard, reference: pd.DataFrame, batch: pd.DataFrame
) -> str:
    """Return the line that would stop this batch and let the clean one pass; empty when the file has no such line.

    First a declaration in the contract, then a gate that only warned, then a limit that the fault came nearest to.
    Values of personal columns aren't written into it.
    """
    declared = next(_declarations(spec, reference, batch), "")
    if declared:
        return declared
    warned = sorted(faulty.warning - clean.warning)
    return f"policy.overrides.{warned[0]}.severity: block" if warned else _tighter_limit(policy, clean, faulty)


def _declarations(spec: ModelSpec, reference: pd.DataFrame, batch: pd.DataFrame) -> Iterator[str]:
    for name, column in spec.contract.items():
        if name not in batch.columns:
            continue
        match column.type:
            case "integer" | "number":
                yield from _range(name, column, reference[name], batch[name])
            case "category" if column.levels is None:
                yield from _levels(name, column, reference[name], batch[name])
            case _:
                pass


def _range(name: str, column: Column, known: pd.Series, seen: pd.Series) -> Iterator[str]:
    before, now = (_numbers(values) for values in (known, seen))
    if not before.size or not now.size:
        return
    low, high = float(before.min()), float(before.max())
    spread = high - low
    least, most = (0.0 if low >= 0 else low - spread / 2), high + spread / 2
    if now.min() < least or now.max() > most:
        private = column.personal_data is not PersonalData.NONE
        yield f"contract.{name}.range: {'as narrow as the reference' if private else f'[{least:.6g}, {most:.6g}]'}"


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    import pandas as pd

    numbers = pd.to_numeric(values.astype(object), errors="coerce")
    found: NDArray[np.float64] = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return found[np.isfinite(found)]


def _levels(name: str, column: Column, known: pd.Series, seen: pd.Series) -> Iterator[str]:
    before, now = ({str(one) for one in values.dropna().unique()} for values in (known, seen))
    if len(before) <= MOST_LEVELS and now - before:
        private = column.personal_data is not PersonalData.NONE
        levels = "those of the reference" if private else f"[{', '.join(sorted(before))}]"
        yield f"contract.{name}.levels: {levels}"


def _tighter_limit(policy: Policy, clean: Heard, faulty: Heard) -> str:
    """Return the limit halfway between clean and faulty, of the gate whose measurement moved furthest for its limit."""
    best, line = 0.0, ""
    for verdict in faulty.verdicts:
        gate = policy.gates[verdict.gate]
        if not isinstance(gate, AtMost):
            continue
        usual = _largest(clean, gate.metric)
        moved = max((one.value or 0.0 for one in verdict.measurements), default=0.0) - usual
        far = moved / (gate.limit or 1.0)
        if moved > (CLEARLY_MORE - 1) * usual and far > best:
            best, line = far, f"policy.overrides.{verdict.gate}.limit: {number_text(usual + moved / 2)}"
    return line


def _largest(heard: Heard, metric: str) -> float:
    return max((one.value or 0.0 for one in heard.measurements if one.metric == metric), default=0.0)
