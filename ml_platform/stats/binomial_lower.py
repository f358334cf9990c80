"""Binomial lower bound: the smallest true share that a count of hits leaves believable."""

from __future__ import annotations


def binomial_lower(successes: int, n: int, *, confidence: float = 0.95) -> float:
    """Return the exact one-sided lower bound of a share after `successes` of `n`; 0 without successes.

    Above a chance rate p exactly when that many hits are less likely than 1 - confidence under p. ValueError when the
    counts or the confidence contradict themselves. Source: Clopper and Pearson 1934, Biometrika 26.

    >>> round(binomial_lower(10, 10), 3), binomial_lower(0, 10)
    (0.741, 0.0)
    """
    from scipy.special import betaincinv

    if not 0 <= successes <= n or not 0 < confidence < 1:
        message = f"{successes} of {n} at confidence {confidence}; needed: 0 <= successes <= n, confidence in (0, 1)"
        raise ValueError(message)
    return float(betaincinv(successes, n - successes + 1, 1 - confidence)) if successes else 0.0
