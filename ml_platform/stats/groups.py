"""Groups: one measurement per group of people, then each group against a reference group."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Flags, Floats, require_same_length
from ml_platform.stats.levels import Levels, levels
from ml_platform.stats.mean_interval import mean_of
from ml_platform.stats.share import conditional_share
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike

    from ml_platform.stats.entities import Entities


def groups(group: ArrayLike, rows: Flags) -> Levels:
    """Give each group of the rows a number, missing being a group of its own; ValueError when lengths differ."""
    found = levels(group, "group")
    require_same_length(rows=rows, group=found.codes)
    return found


def group_names(found: Levels, attribute: str) -> tuple[str, ...]:
    """Return how the groups are called: "black=1" when the attribute has a name, else as they are.

    >>> group_names(levels([1.0, 0.0, None]), "black")
    ('black=0', 'black=1', 'black=missing')
    """
    return tuple(f"{attribute}={name}" if attribute else name for name in found.names)


def group_shares(
    hits: Flags, found: Levels, units: Entities, *, among: Flags, attribute: str, confidence: float
) -> tuple[Measurement, ...]:
    """Return the share of hits among the chosen rows of each group, in the groups' order."""
    return tuple(
        conditional_share(
            hits,
            units,
            among=among & (found.codes == code),
            nobody="the group has no such row",
            confidence=confidence,
            subject=name,
        )
        for code, name in enumerate(group_names(found, attribute))
    )


def compare_groups(
    measured: tuple[Measurement, ...],
    compare: Callable[[Measurement, Measurement], Measurement],
    *,
    metric: str,
    attribute: str,
    reference: str | None,
) -> tuple[Measurement, ...]:
    """Compare each group with the reference group; one undefined measurement when there is nothing to compare.

    `reference` names a group ("0" or "black=0"). By default it is the group that surely does best: the one with the
    greatest lower bound, so that a handful of lucky rows doesn't become the yardstick.
    """
    chosen = _reference(measured, attribute, reference)
    rows = sum(one.n for one in measured)
    if len(measured) < 2:
        reason = "there is only one group" if measured else "no rows"
    elif chosen is None:
        reason = f"there is no group {reference!r}" if reference else "no group could be measured"
    else:
        return tuple(compare(one, chosen) for one in measured if one is not chosen)
    return (Measurement(metric=metric, value=None, n=rows, subject=attribute, reason=reason),)


def _reference(measured: tuple[Measurement, ...], attribute: str, reference: str | None) -> Measurement | None:
    if reference is not None:
        names = {reference, f"{attribute}={reference}"}
        return next((one for one in measured if one.subject in names), None)
    bounded = [one for one in measured if one.low is not None]
    return max(bounded, key=lambda one: one.low or 0.0, default=None)


def group_rows(found: Levels, attribute: str) -> Iterator[tuple[str, Flags]]:
    """Yield each group's name and which rows are of it, in the groups' order.

    >>> [(name, rows.tolist()) for name, rows in group_rows(levels(["b", "a", "b"]), "site")]
    [('site=a', [False, True, False]), ('site=b', [True, False, True])]
    """
    yield from ((name, found.codes == code) for code, name in enumerate(group_names(found, attribute)))


def group_means(
    values: Floats, found: Levels, units: Entities, *, metric: str, attribute: str, confidence: float
) -> tuple[Measurement, ...]:
    """Return the mean of each group's values, in the groups' order."""
    return tuple(
        mean_of(values[rows], units.of(rows), metric=metric, confidence=confidence, subject=name)
        for name, rows in group_rows(found, attribute)
    )


def group_gaps(
    measured: tuple[Measurement, ...], *, metric: str, attribute: str, reference: str | None
) -> tuple[Measurement, ...]:
    """Return each group's distance from the reference group, which is the named one or the one that is surely highest.

    With one group, or without a reference, one undefined measurement.
    """
    return compare_groups(
        measured, partial(group_distance, metric=metric), metric=metric, attribute=attribute, reference=reference
    )


def group_distance(one: Measurement, reference: Measurement, *, metric: str) -> Measurement:
    """Return how far two groups' measurements are apart, without sign, with the interval of the difference.

    Where the signed interval holds 0, the lower bound is 0. `n` is the smaller group. Facts: signed (group -
    reference), group, reference, group_n, reference_n.
    """
    undefined = one if one.value is None else reference
    signed = None if one.value is None or reference.value is None else one.value - reference.value
    low, high = bounds_of_difference(one, reference)
    if low is not None and high is not None:
        low, high = max(0.0, low, -high), max(-low, high)
    return Measurement(
        metric=metric,
        value=None if signed is None else abs(signed),
        n=min(one.n, reference.n),
        low=low,
        high=high,
        confidence=one.confidence,
        unit=one.unit,
        subject=f"{one.subject} vs {reference.subject}",
        reason="" if signed is not None else f"{undefined.subject}: {undefined.reason}",
        facts={
            "signed": signed,
            "group": one.value,
            "reference": reference.value,
            "group_n": one.n,
            "reference_n": reference.n,
        },
    )
