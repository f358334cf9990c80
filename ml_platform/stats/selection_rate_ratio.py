"""Selection-rate ratio: how much less often one group is decided positive than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stats.columns import flaw_of_flags, numbers
from ml_platform.stats.entities import entities
from ml_platform.stats.groups import compare_groups, group_shares, groups
from ml_platform.stats.ratio_interval import ratio_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "selection_rate_ratio"


def selection_rate_ratio(
    decisions: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the smaller selection rate of the group and the reference group divided by the larger.

    `decisions` holds 0/1, `group` one level per row (missing is a group), both of shape (n,). 1 means equal rates;
    bounds come from Katz's log interval and may exceed 1. With `entity`, rates count at their effective sample size.
    The reference is the named group or the one whose rate is surely highest. A group that can't be measured is
    undefined, never left out; with one group, or flawed decisions, one undefined measurement. ValueError when lengths
    differ. Subject: "black=1 vs black=0"; n: the smaller group; facts: ratio (group / reference), group, reference,
    group_n, reference_n. Sources: 29 CFR 1607.4 D (the ratio); Katz et al. 1978, Biometrics 34.

    >>> [one.text() for one in selection_rate_ratio([1, 0, 0, 1, 1, 0], list("aaabbb"), attribute="site")]
    ['selection_rate_ratio of site=a vs site=b = 0.5 [0.08355, 2.992] (n = 3)']
    """
    values = numbers(decisions, "decisions")
    units, found = entities(entity, values), groups(group, values == 1)
    flaw = (flaw_of_flags(decisions=values) if values.size else "") or units.flaw
    if flaw:
        return (Measurement(metric=METRIC, value=None, n=values.size, subject=attribute, reason=flaw),)
    everybody = np.ones(values.size, dtype=np.bool_)
    rates = group_shares(values == 1, found, units, among=everybody, attribute=attribute, confidence=confidence)
    return compare_groups(rates, _ratio, metric=METRIC, attribute=attribute, reference=reference)


def _ratio(one: Measurement, reference: Measurement) -> Measurement:
    smaller, larger = (one, reference) if (one.value or 0.0) <= (reference.value or 0.0) else (reference, one)
    found = ratio_interval(*_counts(smaller), *_counts(larger), confidence=one.confidence or 0.95)
    facts: dict[str, Fact] = {
        "ratio": one.value / reference.value if one.value is not None and reference.value else None,
        "group": one.value,
        "reference": reference.value,
        "group_n": one.n,
        "reference_n": reference.n,
    }
    return Measurement(
        metric=METRIC,
        value=found.value,
        n=min(one.n, reference.n),
        low=found.low,
        high=found.high,
        confidence=found.confidence,
        subject=f"{one.subject} vs {reference.subject}",
        reason=found.reason and "no row is selected in either group",
        facts=facts,
    )


def _counts(rate: Measurement) -> tuple[float, float]:
    size = float(rate.facts.get("effective_n") or 0.0)
    return (rate.value or 0.0) * size, size
