"""Measure: every family's tests over a batch, under one error budget; knows no tolerance and no gate."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.inspection.detectable import sizes_of, smallest_detectable
from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.families import FAMILIES, NEW_VALUES, SCHEMA, Family
from ml_platform.stages.inspection.make_tables import make_tables
from ml_platform.stages.inspection.schema import comparable, schema
from ml_platform.stages.inspection.table import kind_of
from ml_platform.stats.simultaneous import answerable, holm

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from ml_platform.stages.inspection.tables import Tables

ALPHA = 0.005
NAMES_SHOWN = 3
MOST_TOLD = 30
LEAST_FITTED = 50
# What may be said of a private column: counts, shares and chances. Any other fact can hold one of its values.
TELLS_NO_VALUE = frozenset({"what", "how", "levels", "rows", "broken", "run", "row", "reference", "batch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Evidence that holds within the family's budget; `p_value` counts all hypotheses of the family."""

    metric: str
    evidence: Evidence
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMeasured:
    """One measurement per family, what was proven, and the smallest fault that each family would have revealed."""

    measurements: tuple[Measurement, ...]
    proven: tuple[Proven, ...]
    smallest_detectable: Mapping[str, float]


def measure_batch(
    reference: pd.DataFrame,
    batch: pd.DataFrame,
    *,
    target: str | None = None,
    scores: tuple[ArrayLike, ArrayLike] | None = None,
    private: Collection[str] = (),
    alpha: float = ALPHA,
) -> BatchMeasured:
    """Return what the batch's rows prove against it; raises DataInvalid for what is no table.

    The value of each measurement is the largest effect that is proven (0 when none is), as a share of the batch's rows;
    it is undefined for a batch or a reference without rows. Of `private` columns no value is told.
    """
    require_table("reference", reference)
    require_table("batch", batch)
    kinds = {
        str(name): kind_of(reference[name]) or "levels"
        for name in reference.columns
        if name not in batch.columns or comparable(reference[name], batch[name])
    }
    broken = list(schema(reference, batch))
    tables = make_tables(reference, batch, kinds, target=target, scores=scores)
    measurements, proven, smallest = list[Measurement](), list[Proven](), dict[str, float]()
    for metric, tested, budget, power in (
        (SCHEMA, broken, alpha, 0.0),
        *(_look(family, tables, alpha * family.share) for family in FAMILIES),
    ):
        counted = answerable([one.least_p for one in tested], budget)
        evidence = [one for one, counts in zip(tested, counted, strict=True) if counts]
        adjusted = holm([one.p_value for one in evidence])
        found = [
            Proven(metric=metric, evidence=_without_values(one, private), p_value=float(p))
            for one, p in zip(evidence, adjusted, strict=True)
            if p <= budget
        ]
        proven += found
        smallest[metric] = power
        measurements += _measurements(metric, found, tables, len(evidence), power)
    return BatchMeasured(measurements=tuple(measurements), proven=tuple(proven), smallest_detectable=smallest)


def require_table(role: str, frame: object) -> None:
    """Raise DataInvalid for what is no table with names."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        hint = "; call its to_pandas()" if hasattr(frame, "to_pandas") else ""
        raise DataInvalid(f"inspect_batch: the {role} is a {type(frame).__name__}; a pandas DataFrame is needed{hint}")
    names = list(frame.columns)
    twice = sorted({str(name) for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        message = (
            f"inspect_batch: the {role} has several columns named {twice[:NAMES_SHOWN]}; names must differ; rename them"
        )
        raise DataInvalid(message)
    strange = sum(not isinstance(name, str) for name in names)
    if strange:
        message = (
            f"inspect_batch: {strange} column names of the {role} are no text; text is needed; "
            "use frame.rename(columns=str)"
        )
        raise DataInvalid(message)


def _look(family: Family, tables: Tables, budget: float) -> tuple[str, Sequence[Evidence], float, float]:
    """Return the family's metric, evidence, budget and the smallest fault that it would have revealed."""
    if not tables.reference_rows or not tables.batch_rows:
        return family.metric, (), budget, math.inf
    if family.learns and tables.fit.size < LEAST_FITTED:  # nothing to learn from is no proof that all is well
        return family.metric, (), budget, math.inf if len(tables.chosen) > 1 else 0.0
    evidence = [one for test in family.tests for one in test(tables)]
    power = smallest_detectable(
        family.metric,
        sizes_of(tables.reference_rows, tables.batch_rows),
        alpha=budget,
        hypotheses=max(len(evidence), int(family.metric == NEW_VALUES and bool(tables.columns))),
    )
    return family.metric, evidence, budget, power


def _measurements(
    metric: str, proven: Sequence[Proven], tables: Tables, hypotheses: int, smallest: float
) -> Iterator[Measurement]:
    """Return a measurement per proven fault, the largest first, or one that says that none was."""
    if not tables.reference_rows or not tables.batch_rows:
        empty = "batch" if tables.reference_rows else "reference"
        yield Measurement(metric=metric, value=None, n=0, unit="share", reason=f"the {empty} has no rows")
        return
    facts: dict[str, Fact] = {
        "hypotheses": hypotheses,
        "findings": len(proven),
        "smallest_detectable": smallest if math.isfinite(smallest) else None,
    }
    if not proven:
        yield Measurement(metric=metric, value=0.0, n=tables.batch_rows, unit="share", facts=facts)
    for one in sorted(proven, key=lambda each: -each.evidence.effect)[:MOST_TOLD]:
        evidence = one.evidence
        yield Measurement(
            metric=metric, value=evidence.effect, n=evidence.n, unit="share", subject=subject_of(evidence.columns),
            facts={**facts, "kind": evidence.kind, "p_value": one.p_value, **evidence.facts},
        )  # fmt: skip


def _without_values(evidence: Evidence, private: Collection[str]) -> Evidence:
    if not set(private).intersection(evidence.columns):
        return evidence
    return replace(evidence, facts={name: fact for name, fact in evidence.facts.items() if name in TELLS_NO_VALUE})


def subject_of(columns: Sequence[str]) -> str:
    """Name the first columns."""
    more = len(columns) - NAMES_SHOWN
    return ", ".join(columns[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
