"""Duel: what two games have told so far of a challenger that may be worse, as facts of a measurement."""

from __future__ import annotations

import math

import numpy as np

from ml_platform.core.measurement import Fact
from ml_platform.stats.capital import Wager, log_capital
from ml_platform.stats.confidence import z_value


def duel_facts(worse: Wager, within: Wager) -> dict[str, Fact]:
    """Return what both games won; evidence is the logarithm of the capital of who began with 1.

    `evidence_worse` is the most that was ever won against "the challenger isn't worse", `evidence_within` what is held
    now against "it is worse by the margin or more": reaching log(1 / alpha) is proof at alpha, at any look. What was
    won once proves that it was worse; to say that it is fine it has to be so still. `p_worse` and `p_within` say the
    same as p-values. Source: Ramdas, Grünwald, Vovk and Shafer 2023, Stat. Sci. 38.

    >>> row = Wager(gains=np.ones(9), bets=np.full(9, 0.5), floors=np.ones(9))
    >>> {name: round(value, 3) for name, value in duel_facts(row, row).items()}
    {'evidence_worse': 3.695, 'evidence_within': 3.695, 'p_worse': 0.025, 'p_within': 0.025}
    """
    return evidence_facts(float(np.max(log_capital(worse))), float(log_capital(within)[-1]))


def evidence_facts(worse: float, within: float) -> dict[str, Fact]:
    """Return logarithms of capital as the facts of a duel.

    >>> round(evidence_facts(-1.0, math.log(20))["p_within"], 3)
    0.05
    """
    return {
        "evidence_worse": worse,
        "evidence_within": within,
        "p_worse": math.exp(min(0.0, -worse)),
        "p_within": math.exp(min(0.0, -within)),
    }


def check_margin(margin: float, confidence: float) -> None:
    """Raise ValueError unless the margin lies above 0 and up to 1, and the confidence between 0 and 1.

    >>> check_margin(0.0, 0.95)
    Traceback (most recent call last):
        ...
    ValueError: margin: is 0.0; a number above 0 and up to 1 is needed, such as 0.01
    """
    z_value(confidence)
    if not 0 < margin <= 1:
        message = f"margin: is {margin}; a number above 0 and up to 1 is needed, such as 0.01"
        raise ValueError(message)
