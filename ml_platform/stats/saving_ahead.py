"""Saving ahead: what so many more training rows would save of the loss, from what the next doubling would save."""

from __future__ import annotations

import math

from ml_platform.core.measurement import Measurement

METRIC = "loss_saved_by_more_rows"


def saving_ahead(doubling: Measurement, *, trained: int, more: int) -> Measurement:
    """Return the share of the loss that `more` rows beside `trained` ones would save, with its interval.

    `doubling` is what `next_saving` says of the next doubling; its fact `shrinkage` is the factor by which each saving
    is the one before. Then d doublings save (1 - shrinkage^d) / (1 - shrinkage) times the next one. As the shrinkage
    itself is known roughly, each bound takes the one of 0..1 that is worst for it: d or 1 times the next saving. So the
    interval is wider than it need be, never narrower. Undefined when the doubling's saving is, without an interval, and
    without trained rows; none more save nothing. ValueError when `more` is negative. Facts: trained, more, doublings,
    shrinkage. Source: Viering and Loog 2023, The shape of learning curves, IEEE TPAMI 45.

    >>> doubling = Measurement(metric="", value=0.08, low=0.04, high=0.1, n=500, facts={"shrinkage": 0.5})
    >>> saving_ahead(doubling, trained=1000, more=500).text()
    'loss_saved_by_more_rows = 0.05333 share [0.0234, 0.1] (n = 500)'
    """
    if more < 0:
        message = f"more: {more} rows were given; 0 or more are needed; give how many would join"
        raise ValueError(message)
    reason = _flaw(doubling, trained)
    if reason or doubling.value is None or doubling.low is None or doubling.high is None:
        return Measurement(metric=METRIC, value=None, n=doubling.n, unit="share", reason=reason)
    doublings = math.log2(1 + more / trained)
    shrinkage = doubling.facts.get("shrinkage")
    told = float(shrinkage) if isinstance(shrinkage, int | float) else 1.0
    part = doublings if told == 1 else (1 - told**doublings) / (1 - told)
    least, most = (min(doublings, 1.0), max(doublings, 1.0)) if more else (0.0, 0.0)
    return Measurement(
        metric=METRIC,
        value=doubling.value * (part if more else 0.0),
        n=doubling.n,
        low=doubling.low * (least if doubling.low > 0 else most),
        high=doubling.high * (most if doubling.high > 0 else least),
        confidence=doubling.confidence,
        unit="share",
        facts={"trained": trained, "more": more, "doublings": doublings, "shrinkage": told},
    )


def _flaw(doubling: Measurement, trained: int) -> str:
    if doubling.value is None:
        return doubling.reason
    if doubling.low is None or doubling.high is None:
        return "how sure the next doubling's saving is isn't known"
    return "" if trained > 0 else "no rows were trained on"
