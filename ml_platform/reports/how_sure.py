"""How sure: the first page's lines on luck, and on whom the model serves worst."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement, number_text
from ml_platform.policy.by_chance import NOTHING
from ml_platform.reports.explanation import claim, interval_text, rates_text

if TYPE_CHECKING:
    from ml_platform.reports.content import Content

FAIRNESS = "FAIRNESS"
_LOST = ("weak_slice_surprise", "weak_slice_loss", "weak_slice_log_loss")


def luck_line(content: Content) -> str:
    """Say how much of the result is luck: the seed's, and that of having learned from noise."""
    if content.evaluation.profile == "fast":
        return "How much of it is luck wasn't tried: the candidate was evaluated fast."
    told = [_seeds(content), _chance(content)]
    return " ".join(filter(None, told)) or "How much of it is luck wasn't measured."


def weakest_line(content: Content) -> str:
    """Say where the model is surely weakest, and which group is treated worst; what isn't shown is said so."""
    return " ".join(filter(None, (_slice(content), _group(content)))) or "Neither slices nor groups were looked at."


def _seeds(content: Content) -> str:
    found = next((one for name in ("seed_flip_share", "seed_change_share") for one in content.all_of(name)), None)
    if found is None:
        return ""
    if found.value is None:
        said = "no seed was a lucky one" if found.reason == NOTHING else "other seeds weren't compared"
        return f"{found.reason[:1].upper()}{found.reason[1:]}: {said}."
    share = f"{_short(found.value)}{_percent(found)}"
    if found.metric == "seed_flip_share":
        return f"Another seed would decide {share} of the cases otherwise."
    return f"Another seed would move a prediction by {share} of the mean error."


def _chance(content: Content) -> str:
    found = content.found("permutation_p_value")
    if found is None or found.value is None:
        return ""
    return f"As much would be learned from outcomes in random order with a probability of {number_text(found.value)}."


def _slice(content: Content) -> str:
    every = [one for name in _LOST for one in content.all_of(name) if one.value is not None and one.low is not None]
    surely = [one for one in every if (one.low or 0.0) > 0]
    # A slice that is misjudged is worse than one that is hard and known to be so.
    worst = max(surely, key=lambda one: (one.metric == _LOST[0], one.low or 0.0, one.value or 0.0), default=None)
    if not every:
        return ""
    if worst is None:
        return "No slice of the holdout is surely worse than the rest."
    than = "its own probabilities promise" if worst.metric == "weak_slice_surprise" else "all others have"
    size = f"{_short(worst.value or 0.0)}{_percent(worst)}"
    return f"It is weakest where {worst.subject}: there the loss is {size} above what {than} (n = {worst.n:,})."


def _group(content: Content) -> str:
    for verdict in content.verdicts:
        if verdict.control == FAIRNESS and not verdict.outcome.opens and verdict.worst is not None:
            rates = rates_text(verdict.worst) or verdict.worst.subject
            value = f"{verdict.worst.metric} {number_text(verdict.worst.value)} {interval_text(verdict.worst)}".rstrip()
            return f"Not shown: “{claim(verdict.gate)}”; {rates} ({value}, n = {verdict.worst.n:,})."
    return ""


def _percent(one: Measurement) -> str:
    if one.low is None or one.high is None:
        return ""
    return f" [{_short(one.low)}, {_short(one.high)}]"


def _short(share: float) -> str:
    return f"{100 * share:.0f} %" if abs(share) >= 0.1 else f"{100 * share:.2g} %"
