"""By column: what the columns of a request did to a score, put together from what the features made of them did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ml_platform.core.scoring import ScoringContract


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPart:
    """What the `features` that are made of exactly these `columns` did to a raw score together.

    No columns: of these features it was never seen that one of the request's changes them.
    """

    columns: tuple[str, ...]
    features: tuple[str, ...]
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReason:
    """Columns that moved a score towards its decision: `effect` is `raises` or `lowers`; never a value."""

    columns: tuple[str, ...]
    effect: str
    contribution: float
    words: str


def column_parts(contract: ScoringContract, contributions: Sequence[float]) -> tuple[ColumnPart, ...]:
    """Return a row's contributions by column, in the contract's order; their sum is that of the features.

    A feature made of several columns belongs to none of them alone: theirs is a part of its own. Nothing for a model
    that doesn't say what its features are made of.
    """
    if not contract.made_from:
        return ()
    found: dict[tuple[str, ...], list[tuple[str, float]]] = {}
    for feature, contribution in zip(contract.feature_names, contributions, strict=True):
        found.setdefault(tuple(contract.made_from.get(feature, ())), []).append((feature, contribution))
    place = {column.name: at for at, column in enumerate(contract.inputs)}
    return tuple(
        ColumnPart(
            columns=columns,
            features=tuple(feature for feature, _ in found[columns]),
            contribution=math.fsum(contribution for _, contribution in found[columns]),
        )
        for columns in sorted(found, key=lambda columns: [place[name] for name in columns])
    )


def column_reasons(parts: Sequence[ColumnPart], sign: int, most: int, unit: str) -> tuple[ColumnReason, ...]:
    """Return the parts that did most towards a decision, the strongest first; `sign` 0 takes either direction."""

    def towards(part: ColumnPart) -> float:
        return part.contribution * sign if sign else abs(part.contribution)

    strongest = sorted((part for part in parts if towards(part) > 0), key=towards, reverse=True)
    return tuple(_reason(part, unit) for part in strongest[:most])


def _reason(part: ColumnPart, unit: str) -> ColumnReason:
    raises, several = part.contribution > 0, len(part.columns) != 1
    effect = "raises" if raises else "lowers"
    verb = ("raise" if raises else "lower") if several else effect
    who = " and ".join(part.columns) + " together" if part.columns else f"the features {', '.join(part.features)}"
    words = f"{who if several else part.columns[0]} {verb} the {unit or 'prediction'} by {abs(part.contribution):.3g}"
    return ColumnReason(columns=part.columns, effect=effect, contribution=part.contribution, words=words)
