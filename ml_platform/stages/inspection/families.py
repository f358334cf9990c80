"""Families: the tests of an inspection by what they look for, each with its share of the error budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.stages.inspection.cells import cells
from ml_platform.stages.inspection.dependence import pairs
from ml_platform.stages.inspection.extremes import extremes
from ml_platform.stages.inspection.labels import label_counts, label_residuals
from ml_platform.stages.inspection.learned import surprises
from ml_platform.stages.inspection.marginals import distributions, levels, missing_values, precisions, shapes
from ml_platform.stages.inspection.new_levels import misspellings
from ml_platform.stages.inspection.new_values import near_levels, placeholders, rare_combinations, rare_levels, signs
from ml_platform.stages.inspection.relations import relations
from ml_platform.stages.inspection.repetition import duplicate_rows, repeated_values
from ml_platform.stages.inspection.residuals import linear_residuals
from ml_platform.stages.inspection.standstill import standstill

if TYPE_CHECKING:
    from ml_platform.stages.inspection.evidence import Evidence
    from ml_platform.stages.inspection.tables import Tables

Test = Callable[["Tables"], Iterator["Evidence"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Tests that share a metric and a part of the error budget; Holm's rule covers the hypotheses within it.

    The shares are largest where faults are of few rows, so that every factor counts, and where hypotheses are few.
    """

    metric: str
    share: float
    learns: bool = False
    tests: tuple[Test, ...]


SCHEMA = "batch_schema_breaks"
NEW_VALUES = "batch_new_values"  # its hypotheses arise from the rows: where none did, some still could have
FAMILIES = (
    Family(metric="batch_distribution_shift", share=0.12, tests=(distributions,)),
    Family(metric="batch_level_shift", share=0.08, tests=(levels,)),
    Family(metric="batch_misspelling", share=0.2, tests=(misspellings, near_levels, placeholders)),
    Family(metric=NEW_VALUES, share=0.12, tests=(rare_levels, signs)),
    Family(metric="batch_missing_shift", share=0.1, tests=(missing_values,)),
    Family(metric="batch_format_shift", share=0.04, tests=(precisions, shapes)),
    Family(metric="batch_extreme_values", share=0.04, tests=(extremes,)),
    Family(metric="batch_repeated_rows", share=0.05, tests=(duplicate_rows, repeated_values)),
    Family(metric="batch_standstill", share=0.03, tests=(standstill,)),
    Family(metric="batch_dependence_shift", share=0.12, learns=True, tests=(pairs, linear_residuals, surprises)),
    Family(metric="batch_broken_relation", share=0.04, learns=True, tests=(relations,)),
    Family(metric="batch_combination_shift", share=0.03, tests=(cells, rare_combinations)),
    Family(metric="batch_label_shift", share=0.03, tests=(label_counts, label_residuals)),
)
