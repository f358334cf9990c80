"""Verdicts made for a test."""

from __future__ import annotations

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Severity, Verdict

POLICY = "ab" * 32
HOSTILE = "<script>alert(1)</script>\x1b[2J|](javascript:x)\x00\ud800"


def auc(value: float | None = 0.768, **words: object) -> Measurement:
    """Measure an AUC."""
    given = {"metric": "roc_auc", "value": value, "low": 0.76, "high": 0.776, "n": 14_872, "confidence": 0.95}
    return Measurement(**given | words)  # type: ignore[arg-type]


def verdict(outcome: Outcome = Outcome.PASSED, **words: object) -> Verdict:
    """Judge an AUC as told."""
    worst = words.pop("worst", auc())
    assert worst is None or isinstance(worst, Measurement)
    limit = str(words.get("limit", "≥ 0.65 on the lower bound, n ≥ 200"))
    given = {
        "gate": "auc_is_sufficient",
        "control": "METRICS",
        "stage": "evaluation",
        "outcome": outcome,
        "severity": Severity.BLOCK,
        "limit": limit,
        "reason": f"{worst.text()}; needed: {limit}" if worst else "roc_auc was never measured",
        "next_step": "Find out why.",
        "policy_digest": POLICY,
        "worst": worst,
        "measurements": (worst,) if worst else (),
    }
    return Verdict(**given | words)  # type: ignore[arg-type]
