"""The first page: what the model is worth and what it would replace, in sentences that need no statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.reports.explanation import interval_text
from ml_platform.reports.measured_rows import EVALUATION
from ml_platform.reports.mitigation import TITLE

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.content import Content
    from ml_platform.reports.decision import Decision
    from ml_platform.reports.measured_rows import MeasuredRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number of the first page: its name, text, interval and meaning; `anchor` leads to its row."""

    name: str
    number: str
    interval: str
    meaning: str
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    metric: str
    name: str
    meaning: str
    factor: float = 100.0
    digits: int = 1
    unit: str = " %"

    def write(self, *values: float) -> str:
        return " to ".join(f"{self.factor * value:.{self.digits}f}" for value in values) + self.unit


_KINDS = (
    _Kind(
        metric="roc_auc",
        name="Ranking (AUC)",
        meaning="Of a case that comes true and one that doesn't, the first scores higher {per_100} times in 100.",
        factor=1.0,
        digits=3,
        unit="",
    ),
    _Kind(
        metric="precision",
        name="Flagged that come true",
        meaning="Of 100 cases that it flags, {per_100} come true.",
    ),
    _Kind(
        metric="recall",
        name="True ones that are flagged",
        meaning="Of 100 cases that come true, it flags {per_100}.",
    ),
    _Kind(
        metric="expected_calibration_error",
        name="Probabilities off by",
        meaning="On average, what it predicts lies {number} from how often it happens.",
        unit=" points",
    ),
    _Kind(
        metric="expected_cost",
        name="Cost per case",
        meaning="By the costs that the model file declares, a decision costs {number} on average.",
        factor=1.0,
        digits=3,
        unit="",
    ),
    _Kind(
        metric="expected_cost_gain",
        name="Saved per case",
        meaning="Against always deciding the same, whichever costs less, it saves {number} per case; below 0 it costs.",
        factor=1.0,
        digits=3,
        unit="",
    ),
    _Kind(
        metric="mean_absolute_error",
        name="Off by, on average",
        meaning="The mean distance between prediction and outcome is {number}, in the target's unit.",
        factor=1.0,
        digits=2,
        unit="",
    ),
    _Kind(
        metric="bias",
        name="Too high by, on average",
        meaning="Predictions minus outcomes are {number} on average; below 0 they are too low.",
        factor=1.0,
        digits=2,
        unit="",
    ),
    _Kind(
        metric="coverage",
        name="Outcomes at or below",
        meaning="Of 100 outcomes, {per_100} are at or below the predicted quantile.",
    ),
    _Kind(
        metric="class_accuracy",
        name="Classes decided right",
        meaning="Of 100 cases, the likeliest class is the right one in {per_100}.",
    ),
    _Kind(
        metric="macro_recall",
        name="Found per class",
        meaning="Averaged over the classes, of 100 cases of a class {per_100} are found.",
    ),
    _Kind(
        metric="macro_roc_auc",
        name="Ranking of classes (AUC)",
        meaning="Of a case of a class and one of another, the first scores higher for it {per_100} times in 100.",
        factor=1.0,
        digits=3,
        unit="",
    ),
    _Kind(
        metric="loss_against_constant",
        name="Loss against a constant",
        meaning="Its mean loss differs by {number} from that of the best constant for every case; below 0 it is less.",
    ),
)


def tiles(content: Content, measured: MeasuredRows) -> tuple[Tile, ...]:
    """Return the numbers of the first page; one that was not measured is left out."""
    found = ((kind, content.found(kind.metric)) for kind in _KINDS)
    return tuple(_tile(kind, one, measured) for kind, one in found if one is not None)


def _tile(kind: _Kind, one: Measurement, measured: MeasuredRows) -> Tile:
    anchor = measured.anchor(EVALUATION, one)
    if one.value is None:
        return Tile(name=kind.name, number="?", interval="", meaning=f"Undefined: {one.reason}.", anchor=anchor)
    bounded = one.low is not None and one.high is not None
    return Tile(
        name=kind.name,
        number=kind.write(one.value),
        interval=kind.write(one.low or 0.0, one.high or 0.0) if bounded else "",
        meaning=kind.meaning.format(per_100=f"{100 * one.value:.0f}", number=kind.write(one.value)),
        anchor=anchor,
    )


def compared_with_live(content: Content) -> str:
    """Say what is live and how the candidate compares with it on the same rows."""
    live, rival = content.live, content.evaluation.champion_digest
    if live is None and not rival:
        return "Nothing is live yet, so there is no version to compare with."
    parts = []
    if live is not None:
        parts += [f"Version {live.version} is live in {live.environment} since {live.since:%d %B %Y}."]
    if live is not None and live.model_digest == content.model.digest:
        return " ".join([*parts, "It is this very model."])
    if live is not None and live.model_digest != rival:
        parts += ["It isn't the version that this evaluation compared with; evaluate again before deciding."]
    return " ".join([*parts, _difference(content) if rival else "This evaluation compared the candidate with nothing."])


def _difference(content: Content) -> str:
    names = {"roc_auc_difference": "AUC", "loss_against_champion": "loss"}
    found = next((one for metric in names for one in content.all_of(metric)), None)
    if found is None or found.value is None:
        return f"The two could not be compared: {found.reason if found else 'the difference was not measured'}."
    word = "higher" if found.value > 0 else "lower" if found.value < 0 else "different"
    spread = f" {interval_text(found)}" if found.low is not None else ""
    chance = " That may be chance." if found.low is not None and found.low <= 0 <= (found.high or 0.0) else ""
    size = number_text(abs(found.value))
    name = names[found.metric]
    return f"On the same {found.n:,} rows the candidate's {name} is {word} by {size} (difference{spread}).{chance}"


def what_comes_next(content: Content, decision: Decision) -> str:
    """Say what a person does next, and what is still judged after this report as far as the policy is known."""
    if decision.tone != "passed":
        told = f" “{TITLE}” says below what each way would cost." if content.mitigation else ""
        return f"Do what the closed gates ask for, then run the release again: only what changed is done anew.{told}"
    policy = content.policy
    later = [stage for stage in ("release", "staging", "production") if policy and policy.gates_of(stage)]
    counts = " and ".join(f"{len(policy.gates_of(stage))} at {stage}" for stage in later) if policy else ""
    approvals = policy.approvals_for("production") if policy else 0
    parts = ["The release is registered and deployed to staging, unless a gate on the way closes it."]
    parts += [f"Still to be judged: {counts}."] if counts else []
    signed = "signed " if policy and policy.signed_approvals else ""
    parts += [f"Production needs {approvals} {signed}approval{'s' if approvals != 1 else ''}."] if approvals else []
    return " ".join(parts)
