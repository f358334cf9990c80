"""Differ: where two tables of features or two fitted states aren't the same, in words that hold no values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ml_platform.stages.encode import Columns

RELATIVE = 1e-9  # sums in another order differ by less, a look at another row by more
SHOWN = 3


def features_differ(expected: Columns, found: Columns) -> str:
    """Name the features that aren't the same, with the count of rows; "" when there are none."""
    if tuple(expected) != tuple(found):
        return names_differ(tuple(expected), tuple(found))
    seen = []
    for name, values in expected.items():
        wrong = ~np.isclose(values, found[name], rtol=RELATIVE, atol=0.0, equal_nan=True)
        if wrong.any():
            seen.append(f"'{name}' differs in {int(wrong.sum()):,} of {wrong.size:,} rows")
    return several(seen)


def names_differ(expected: Sequence[str], found: Sequence[str]) -> str:
    """Say how the names of two tables differ."""
    lost = [f"'{name}' is missing" for name in expected if name not in found]
    more = [f"'{name}' is new" for name in found if name not in expected]
    return several([*lost, *more]) or ("" if tuple(expected) == tuple(found) else "the features come in another order")


def states_differ(expected: object, found: object, where: str = "state") -> str:
    """Name the first place where two fitted states aren't the same, up to rounding; "" when there is none."""
    match expected, found:
        case Mapping(), Mapping():
            if expected.keys() != found.keys():
                return f"{where} has other keys"
            pairs = ((f"{where}['{key}']", value, found[key]) for key, value in expected.items())
        case list(), list():
            if len(expected) != len(found):
                return f"{where} has another length"
            pairs = (
                (f"{where}[{at}]", one, other) for at, (one, other) in enumerate(zip(expected, found, strict=True))
            )
        case (int() | float(), int() | float()):
            same = bool(np.isclose(expected, found, rtol=RELATIVE, atol=0.0))
            return "" if same else f"{where} differs"
        case _:
            return "" if expected == found else f"{where} differs"
    return next((seen for place, one, other in pairs if (seen := states_differ(one, other, place))), "")


def several(seen: Sequence[str]) -> str:
    """Join the first few findings and count the others."""
    more = len(seen) - SHOWN
    return "; ".join([*seen[:SHOWN], *([f"and {more} more"] if more > 0 else [])])
