"""A verdict: what a policy says of measurements, with everything needed to check it again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ml_platform.core.measurement import Measurement


class Outcome(StrEnum):
    """What a gate said; only `passed`, `waived` and `not_applicable` open it."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"

    @property
    def opens(self) -> bool:
        """True when a gate with this outcome lets the candidate through."""
        return self in {Outcome.PASSED, Outcome.WAIVED, Outcome.NOT_APPLICABLE}


class Severity(StrEnum):
    """What a closed gate does: `block` stops the path, `warn` is shown and recorded."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement of one gate over its measurements, under one policy digest.

    `gate` is a claim that should be true (`auc_is_sufficient`), `control` an id of the control catalogue,
    `stage` the asset it guards. `limit` says the limit in words. `worst` decided the outcome; it is None when
    nothing was measured. `reason` says why, `next_step` what a person can do about it.
    """

    gate: str
    control: str
    stage: str
    outcome: Outcome
    severity: Severity
    limit: str
    reason: str
    next_step: str
    policy_digest: str
    worst: Measurement | None = None
    measurements: tuple[Measurement, ...] = ()

    @property
    def closes(self) -> bool:
        """True when this verdict must stop the path."""
        return self.severity is Severity.BLOCK and not self.outcome.opens

    def text(self) -> str:
        """Say the verdict in a line, and in a second one what to do where the gate isn't open."""
        effect = " (only warns)" if self.severity is Severity.WARN and not self.outcome.opens else ""
        said = f"{self.gate} {self.outcome}{effect}: {self.reason}"
        return said if self.outcome.opens else f"{said}\n  {self.next_step}"

    def __str__(self) -> str:
        return self.text()
