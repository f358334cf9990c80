"""Outcome told by missing: how surely a gap in a column, or its absence, says what the outcome is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stats.columns import Flags, column, flaw_of_flags, numbers, require_same_length
from ml_platform.stats.missing_share import missing_rows
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "outcome_told_by_missing"


def outcome_told_by_missing(
    feature: ArrayLike, y: ArrayLike, *, confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return how much of the doubt about the outcome is surely gone where a feature is missing, or where it isn't.

    `feature`, shape (n,), is numeric or a category; `y` holds 0/1, shape (n,). Among the rows with a gap, and among
    those without, one outcome may be rarer than among all rows: the value is 1 - its rate there / its rate among all,
    with the upper bound of Wilson's interval as the rate there, so that a few rows prove little; the surest case
    counts. 1 means that the outcome can be read off; 0 that nothing is sure, also when nothing is missing. It is a
    lower bound itself, hence without interval. Undefined without rows, with one class and with an outcome other than 0
    and 1. ValueError when lengths differ. Facts: missing, told_by. Sources: Kaufman et al. 2012, ACM TKDD 6;
    Wilson 1927, J. Am. Stat. Assoc. 22.

    >>> feature = [None, 5.0, 4.0, 5.0] * 100
    >>> outcome_told_by_missing(feature, [1, 0, 0, 1] * 100).text()
    'outcome_told_by_missing = 0.926 (n = 400)'
    """
    values, outcome = column(feature, "feature"), numbers(y, "y")
    require_same_length(feature=values, y=outcome)
    positive = outcome == 1
    flaw = flaw_of_flags(y=outcome)
    reason = flaw or ("" if 0 < positive.mean() < 1 else "the outcome has no two classes")
    if reason:
        return Measurement(metric=METRIC, value=None, n=outcome.size, subject=subject, reason=reason)
    missing = missing_rows(values, "feature")
    sure, told_by = max((_sure(rows, positive, confidence), name) for name, rows in _cases(missing))
    facts: dict[str, Fact] = {"missing": int(missing.sum()), "told_by": told_by if sure else "nothing"}
    return Measurement(metric=METRIC, value=sure, n=outcome.size, subject=subject, facts=facts)


def _cases(missing: Flags) -> tuple[tuple[str, Flags], ...]:
    return (("missing", missing), ("not missing", ~missing))


def _sure(rows: Flags, positive: Flags, confidence: float) -> float:
    """Return the same for some of the rows."""
    found = 0.0
    for outcome in (positive, ~positive):
        there = wilson(int(outcome[rows].sum()), int(rows.sum()), confidence=confidence)
        if there.high is not None:
            found = max(found, 1 - there.high / float(outcome.mean()))
    return found
