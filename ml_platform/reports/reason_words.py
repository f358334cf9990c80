"""Reason words: what moved a row's score, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.policy.spec import BINARY_CLASSES
from ml_platform.reports.plain_text import one_line

if TYPE_CHECKING:
    from ml_platform.core.explained import Explained, Reason

LONGEST = 60


def reason_text(reason: Reason, unit: str) -> str:
    """Say what one feature did.

    >>> from ml_platform.core.explained import Reason
    >>> reason_text(Reason(feature="distance", value="1,400", contribution=0.314), "log-odds")
    'distance = 1,400 raises it by 0.314 (log-odds)'
    >>> reason_text(Reason(feature="age", value="", contribution=-2.0), "")
    'age lowers it by 2'
    """
    verb = "raises" if reason.contribution > 0 else "lowers"
    counted = f" ({unit})" if unit else ""
    return f"{feature_text(reason)} {verb} it by {number_text(abs(reason.contribution))}{counted}"


def feature_text(reason: Reason) -> str:
    """Name a feature with its value, if that may be shown, or say that it is missing."""
    name = one_line(reason.feature, LONGEST)
    if not reason.known:
        return f"{name} missing"
    return f"{name} = {one_line(reason.value, LONGEST)}" if reason.value else name


def score_text(one: Explained) -> str:
    """Say a row's score and its decision.

    >>> from ml_platform.core.explained import Explained
    >>> score_text(Explained(row=1, score=(0.2, 0.8), decision="late", average=0.0, raw=1.4, unit="logit", reasons=(),
    ...     others=1.4, features_left=3, uncalibrated=0.8))
    'late, with a probability of 0.8'
    """
    if isinstance(one.score, tuple):
        return f"{one_line(one.decision, LONGEST)}, with a probability of {number_text(max(one.score))}"
    if not one.decision or one.threshold is None:
        return f"{number_text(one.score)}: {one.decision}".rstrip(": ")
    from_here = "from" if one.decision == BINARY_CLASSES[1] else f"{BINARY_CLASSES[1]} from"
    return f"{number_text(one.score)}: {one.decision} ({from_here} {number_text(one.threshold)} on)"


def sum_text(one: Explained) -> str:
    """Say how average, reasons and all other features add up to the score, and what was done with it afterwards."""
    listed = sum(reason.contribution for reason in one.reasons)
    named = f", {'these' if len(one.reasons) > 1 else 'this'} {_signed(listed)}" if one.reasons else ""
    left = f", {one.features_left} other features {_signed(one.others)}" if one.features_left else ""
    unit = f" ({one.unit})" if one.unit else ""
    total = f"average {number_text(one.average)}{named}{left}: {number_text(one.raw)}{unit}"
    if one.uncalibrated != one.raw:
        total += f", which is {number_text(one.uncalibrated)}"
    return f"{total}, before calibration ({one.calibration})" if one.calibration else total


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{number_text(abs(value))}"
