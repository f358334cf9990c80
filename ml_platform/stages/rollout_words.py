"""Rollout words: what the monitors of a trial saw, for people who read a tick, a page or the audit."""

from __future__ import annotations

from ml_platform.core.measurement import Measurement, number_text
from ml_platform.stages.rollout_monitors import ERRORS, MIRRORED, OUTCOMES, P95, P99, RATIO, SCORES

NAMES = {
    ERRORS: "errors",
    P95: "latency p95",
    P99: "latency p99",
    SCORES: "scores",
    OUTCOMES: "loss",
    RATIO: "requests of the challenger",
    MIRRORED: "mirrored requests",
}
LEAST_P = 1e-4
_MILLISECONDS = 1000


def said(one: Measurement) -> str:
    """Say what a monitor saw: the challenger against the champion, the difference with its interval, and of how many.

    >>> facts = {"challenger": 0.02, "champion": 0.01}
    >>> said(Measurement(metric=ERRORS, value=0.01, low=-0.002, high=0.021, n=900, facts=facts))
    'errors, of the requests: 2% against 1%, a difference of +1% [-0.2%, +2.1%] (n = 900)'
    """
    if one.value is None:
        return f"{NAMES.get(one.metric, one.metric)}: not known ({difference(one)}; n = {one.n:,})"
    ours, theirs = sides(one)
    against = f"{ours} against {theirs}, a difference of " if ours else ""
    return f"{named(one)}: {against}{difference(one)} (n = {one.n:,})"


def difference(one: Measurement) -> str:
    """Say by how much they differ, with the interval that holds at all looks."""
    if one.value is None:
        return "no outcome has come yet" if one.metric == OUTCOMES and not one.n else one.reason
    write = percent if one.metric in {RATIO, MIRRORED} else number_text if one.metric == OUTCOMES else _signed
    bounded = one.low is not None and one.high is not None
    slower = " slower" if one.metric in {P95, P99} else ""
    return f"{write(one.value)}{slower}" + (f" [{write(one.low or 0.0)}, {write(one.high or 0.0)}]" if bounded else "")


def named(one: Measurement) -> str:
    """Return a monitor's name with what its numbers are shares of, as a table shows it."""
    return f"{NAMES.get(one.metric, one.metric)}{_of(one)}"


def chance(p: object) -> str:
    """Say how rarely chance alone would have told as much, however often one looks.

    >>> chance(0.03), chance(1e-9)
    ('p = 0.03 at any look', 'p < 0.0001 at any look')
    """
    if not isinstance(p, float):
        return "p isn't known"
    return "p < 0.0001 at any look" if p < LEAST_P else f"p = {p:.2g} at any look"


def percent(value: float) -> str:
    """Write a share for people.

    >>> percent(0.25), percent(0.0123)
    ('25%', '1.23%')
    """
    return f"{100 * value:.3g}%"


def sides(one: Measurement) -> tuple[str, str]:
    """Return the challenger's and the champion's number; empty for what isn't a comparison."""
    if one.metric == RATIO:
        return _sent(one)
    kind = "quantile_" if one.metric in {P95, P99} else ""
    ours, theirs = (one.facts.get(f"{kind}{side}") for side in ("challenger", "champion"))
    if not isinstance(ours, float) or not isinstance(theirs, float):
        return "", ""
    match one.metric:
        case "rollout_latency_p95" | "rollout_latency_p99":
            return f"{ours * _MILLISECONDS:.3g} ms", f"{theirs * _MILLISECONDS:.3g} ms"
        case "rollout_outcomes":
            return number_text(ours), number_text(theirs)
        case _:
            return percent(ours), percent(theirs)


def _sent(one: Measurement) -> tuple[str, str]:
    """Return the challenger's share of the requests, and what was stated."""
    told = [one.facts.get(name) for name in ("share", "expected")]
    seen = [each if one.facts.get("arm") == 0 else 1 - each for each in told if isinstance(each, float)]
    return (percent(seen[0]), f"{percent(seen[1])} stated") if len(seen) == len(told) else ("", "")


def _of(one: Measurement) -> str:
    """Say what the numbers are shares of."""
    if one.metric == ERRORS:
        return ", of the requests"
    if one.metric == SCORES:
        quantile = one.facts.get("quantile")
        return f" above the champion's {quantile:.0%} quantile" if isinstance(quantile, float) else ""
    return ""


def _signed(value: float) -> str:
    return f"{100 * value:+.3g}%" if value else "0%"
