"""Expected harm: inputs that moved are a reason only where the scores say that performance falls, and can be believed.

Scores estimate performance on the assumption that calibration holds (`stages.estimates`). Whether that can be believed
is what came true of earlier windows' estimates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.core.verdict import Outcome
from ml_platform.policy.check_policy import HARM_GATES
from ml_platform.stages.retraining_reasons import Declined, Quiet, Reason, unheard

if TYPE_CHECKING:
    from ml_platform.core.records import DeploymentRecord, EvidencePart, MonitoringRecord
    from ml_platform.core.verdict import Verdict

EXPECTED, BELIEVED = HARM_GATES
MOVED = ("no_traffic_alarm", "inputs_resemble_training")


def of_harm(window: MonitoringRecord, part: EvidencePart | None, live: DeploymentRecord) -> Reason | Quiet | Declined:
    """Say whether performance is expected to fall, with the whole interval, by estimates that came true so far."""
    silent = unheard(window, part, live)
    if silent or part is None:
        return Quiet(silent)
    verdicts = {one.gate: one for one in part.verdicts}
    expected, believed = verdicts.get(EXPECTED), verdicts.get(BELIEVED)
    moved = [name for name in MOVED if name in verdicts and verdicts[name].outcome is Outcome.FAILED]
    if expected is None or expected.outcome is not Outcome.FAILED:
        said = f"window {window.window}: performance {_not_falling(expected)}"
        if not moved:
            return Quiet(said)
        told = ", ".join(_told(verdicts[name]) for name in moved)
        return Declined(cause=_cause("moved", window), text=f"{said}, though inputs moved ({told})")
    falls = f"window {window.window}: performance is expected to fall ({_told(expected)})"
    if believed is not None and believed.outcome is Outcome.PASSED:
        return Reason(cause=_cause("harm", window), text=f"{falls}, and estimates came true ({_told(believed)})")
    doubt = f"{BELIEVED} {_why(believed)}"
    return Declined(cause=_cause("doubted", window), text=f"{falls}, but estimates aren't proven: {doubt}")


def _not_falling(expected: Verdict | None) -> str:
    if expected is None or expected.outcome in {Outcome.UNDECIDED, Outcome.NOT_APPLICABLE}:
        return f"can't be told to fall: {EXPECTED} {_why(expected)}"
    return f"isn't expected to fall ({_told(expected)})"


def _told(verdict: Verdict) -> str:
    return verdict.worst.text() if verdict.worst else verdict.gate


def _why(verdict: Verdict | None) -> str:
    return "wasn't judged" if verdict is None else f"is {verdict.outcome}: {verdict.reason or _told(verdict)}"


def _cause(what: str, window: MonitoringRecord) -> str:
    return digest_of({"model": window.model, "digest": window.model_digest, "expected": what, "w": window.window})
