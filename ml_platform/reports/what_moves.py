"""What moves the score: features and their shares, example decisions with reasons, curves of the strongest features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.reports.dependence_plot import dependence_plot
from ml_platform.reports.explanation import interval_text
from ml_platform.reports.figures import Figure
from ml_platform.reports.importance_plot import Share, importance_plot, most_important
from ml_platform.reports.limits import allowed_by
from ml_platform.reports.measured_rows import EVALUATION
from ml_platform.reports.probe_section import Cell, measured_rows
from ml_platform.reports.reason_words import reason_text, score_text, sum_text
from ml_platform.reports.reasons_plot import reasons_plot

if TYPE_CHECKING:
    from ml_platform.core.explained import Example
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

TITLE, WHAT_MOVES = "What moves the score", "what-moves"
NOTE = (
    "Exact SHAP contributions: how far each feature moves a row's raw score away from the model's average. They say "
    "what the model uses, not what causes the outcome."
)
SHARE_HEADS = ("Feature", "share of all explanations", "95 % interval")
EXAMPLE_HEADS = ("Example", "holdout row", "score", "moved most by", "adds up")
FEATURE_HEADS = ("Feature", "share of all explanations", "the mean score moves by", "rows that go the other way")
_STABLE = {
    "explanation_stability": "a row's strongest features that small noise leaves the strongest",
    "importance_agreement": "importance that two halves of the holdout give to the same features",
}
_OF = ", probability of "  # what a curve of one of several classes adds to its feature's name


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleCard:
    """A row of the holdout with its decision, a plot of its reasons, and how they add up."""

    kind: str
    row: str
    score: str
    reasons: tuple[str, ...]
    total: str
    picture: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the card as plain texts under `EXAMPLE_HEADS`."""
        return self.kind, self.row, self.score, "; ".join(self.reasons) or "the model's average", self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatMoves:
    """The chapter's parts; each may be missing."""

    shares: tuple[tuple[str, ...], ...]
    importance: Figure | None
    examples: tuple[ExampleCard, ...]
    dependence: Figure | None
    stable: tuple[tuple[Cell, ...], ...]
    features: tuple[tuple[Cell, ...], ...]


def what_moves(content: Content, measured: MeasuredRows) -> WhatMoves | None:
    """Return the chapter; None where nothing was explained."""
    shares, probes = tuple(_shares(content)), content.probes
    if not shares:
        return None
    return WhatMoves(
        shares=tuple((one.feature, f"{100 * one.value:.1f} %", _interval(one)) for one in most_important(shares)),
        importance=Figure(
            title="Which features?",
            picture=importance_plot(shares),
            caption=f"Each feature's part of all explanations on {_explained(content)}, with 95 % intervals over these "
            "rows. An upright line is the limit of a gate.",
        ),
        examples=tuple(_card(one) for one in probes.examples) if probes else (),
        dependence=_dependence(content),
        stable=measured_rows(content, measured, _STABLE),
        features=tuple(_features(content, measured)),
    )


def _explained(content: Content) -> str:
    """Say how many rows were explained, and why not all."""
    rows, every = max((one.n for one in content.all_of("feature_share")), default=0), content.evaluation.rows
    if not 0 < rows < every:
        return "the holdout"
    return f"{rows:,} of {every:,} holdout rows, spread evenly (exact explanations cost rows times leaves)"


def _shares(content: Content) -> Iterator[Share]:
    """Yield the measured shares; of an evaluation that measured none, those that it drew."""
    found = [one for one in content.all_of("feature_share") if one.value is not None]
    for one in found:
        limits = _limits(content, one.subject)
        yield Share(feature=one.subject, value=one.value or 0.0, low=one.low, high=one.high, limits=limits)
    if not found and content.curves:
        yield from (Share(feature=name, value=share) for name, share in content.curves.importance.items())


def _limits(content: Content, feature: str) -> tuple[float, ...]:
    gates = content.policy.gates_of(EVALUATION).values() if content.policy else ()
    allowed = [
        allowed_by(gate)
        for gate in gates
        if gate.metric == "feature_share" and (gate.subjects is None or feature in gate.subjects)
    ]
    return tuple(edge for one in allowed if one for edge in one.edges)


def _interval(one: Share) -> str:
    if one.low is None or one.high is None:
        return ""
    return f"[{number_text(100 * one.low)}, {number_text(100 * one.high)}] %"


def _features(content: Content, measured: MeasuredRows) -> Iterator[tuple[Cell, ...]]:
    """Yield a row under `FEATURE_HEADS` for each curve."""
    shares = {one.subject: one for one in content.all_of("feature_share")}
    against = {one.subject: one for one in content.all_of("against_average_share")}
    for one in content.all_of("partial_dependence"):
        share = shares.get(one.subject.partition(_OF)[0])
        cells = (_cell(each, measured) for each in (share, one, against.get(one.subject)))
        yield (Cell(text=one.subject), *cells)


def _cell(one: Measurement | None, measured: MeasuredRows) -> Cell:
    if one is None or one.value is None:
        return Cell(text=one.reason if one else "-")
    return Cell(text=f"{number_text(one.value)} {interval_text(one)}".rstrip(), anchor=measured.anchor(EVALUATION, one))


def _card(one: Example) -> ExampleCard:
    told = one.told
    return ExampleCard(
        kind=one.kind[:1].upper() + one.kind[1:],
        row=f"{told.row:,}",
        score=score_text(told),
        reasons=tuple(reason_text(reason, told.unit) for reason in told.reasons),
        total=sum_text(told),
        picture=reasons_plot(told),
    )


def _dependence(content: Content) -> Figure | None:
    curves = content.probes.dependence if content.probes else ()
    if not curves:
        return None
    return Figure(
        title="How does the score move with a feature?",
        picture=dependence_plot(curves),
        caption="The mean score of up to 300 holdout rows when only this feature is changed, with the 95 % interval of "
        "the move; the wide band holds eight in ten rows, each taken from its own mean. The bars below count the "
        "holdout's rows: where there are none, the line says nothing. All plots share their scale.",
    )
