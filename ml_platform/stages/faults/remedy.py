"""Remedy: the line of a model file that would catch a fault which slipped through."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.policy.gates import AtMost
from ml_platform.policy.spec import PersonalData
from ml_platform.stages.faults.cells import numbers_of

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.resolve import Policy
    from ml_platform.policy.spec import Column, ModelSpec
    from ml_platform.stages.faults.gates import Heard
    from ml_platform.stages.faults.rows import OwnRows

MOST_LEVELS = 20
CLEARLY_MORE = 2.0
ROOM = 2.0
SHARE_REFUSED = "contract_violations_share"
NOT_IN_ACCEPTED_ROWS = frozenset(
    {"coerced_cells", "direct_copies", "plausibility_out_of_range_share", "undeclared_columns", "unique_violations"}
)


def remedy(spec: ModelSpec, policy: Policy, *, clean: Heard, faulty: Heard, own: OwnRows) -> str:
    """Return the line that would catch this batch and let the model's own rows pass; empty when there is no such line.

    First a declaration in the contract, then a gate that only warned, then a limit that the fault came nearest to.
    Values of personal columns aren't written into it.
    """
    declared = "" if faulty.accepted is None else next(_declarations(spec, own.every, faulty.accepted), "")
    if declared:
        return declared
    warned = sorted(faulty.warning - clean.warning)
    if warned:
        return f"policy.overrides.{warned[0]}.severity: block"
    return _tighter_limit(policy, clean, faulty, own.refused_share)


def _declarations(spec: ModelSpec, known: pd.DataFrame, accepted: pd.DataFrame) -> Iterator[str]:
    """Yield declarations that hold all known rows and refuse some of those that the contract accepts as it is."""
    for name, column in spec.contract.items():
        match column.type:
            case "integer" | "number":
                yield from _range(name, column, known[name], accepted[name])
            case "category" if column.levels is None:
                yield from _levels(name, column, known[name], accepted[name])
            case _:
                pass


def _range(name: str, column: Column, known: pd.Series, accepted: pd.Series) -> Iterator[str]:
    before, now = (_finite(values) for values in (known, accepted))
    if not before.size or not now.size:
        return
    low, high = float(before.min()), float(before.max())
    least, most = _bounds(column, low, high)
    if least <= low and high <= most and (now.min() < least or now.max() > most):
        private = column.personal_data is not PersonalData.NONE
        text = "as narrow as the known rows" if private else f"[{_text(least)}, {_text(most)}]"
        yield f"contract.{name}.range: {text}"


def _bounds(column: Column, low: float, high: float) -> tuple[float, float]:
    """Return what is known and half its spread besides, within the declared range; whole for integers."""
    room = (high - low) / 2
    least, most = (0.0 if low >= 0 else min(low, _short(low - room))), max(high, _short(high + room))
    lowest, highest = column.range or (-sys.float_info.max, sys.float_info.max)
    least, most = max(least, lowest), min(most, highest)
    return (float(math.ceil(least)), float(math.floor(most))) if column.type == "integer" else (least, most)


def _short(bound: float) -> float:
    return float(f"{bound:.6g}")


def _text(bound: float) -> str:
    """Write a number so that YAML reads it as one: no exponent, no groups."""
    return np.format_float_positional(bound, trim="-")


def _finite(values: pd.Series) -> NDArray[np.float64]:
    numbers = numbers_of(values)
    return numbers[np.isfinite(numbers)]


def _levels(name: str, column: Column, known: pd.Series, accepted: pd.Series) -> Iterator[str]:
    before, now = ({str(one) for one in values.dropna().unique()} for values in (known, accepted))
    if len(before) <= MOST_LEVELS and now - before:
        private = column.personal_data is not PersonalData.NONE
        levels = "those of the known rows" if private else f"[{', '.join(sorted(before))}]"
        yield f"contract.{name}.levels: {levels}"


def _tighter_limit(policy: Policy, clean: Heard, faulty: Heard, refused_share: float | None) -> str:
    """Return the limit halfway between clean and faulty, of the gate whose measurement moved furthest for its limit.

    The clean batch is of accepted rows: what the source holds besides, it doesn't show.
    """
    best, line = 0.0, ""
    for verdict in faulty.verdicts:
        gate = policy.gates[verdict.gate]
        if not isinstance(gate, AtMost) or gate.metric in NOT_IN_ACCEPTED_ROWS:
            continue
        usual = _largest(clean, gate.metric)
        moved = max((one.value or 0.0 for one in verdict.measurements), default=0.0) - usual
        limit = usual + moved / 2
        if gate.metric == SHARE_REFUSED and (refused_share is None or limit <= ROOM * refused_share):
            continue
        far = moved / (gate.limit or 1.0)
        if moved > (CLEARLY_MORE - 1) * usual and far > best:
            best, line = far, f"policy.overrides.{verdict.gate}.limit: {_text(float(f'{limit:.4g}'))}"
    return line


def _largest(heard: Heard, metric: str) -> float:
    return max((one.value or 0.0 for one in heard.measurements if one.metric == metric), default=0.0)
