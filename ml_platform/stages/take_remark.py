"""Take a remark: what was sent or stands in a file's row, checked, its comment masked; or why it isn't taken."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection
from dataclasses import dataclass, field

from ml_platform.core.remark import HIGHEST_RATING, LOWEST_RATING, SERVICE, Remark
from ml_platform.core.traffic import InputValue, Outcome
from ml_platform.stages.mask_comment import LONGEST_COMMENT, mask_comment

Answer = Outcome | bool | None
LONGEST_TEXT = 256
CLOCKS_DIFFER = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was sent about one prediction; see `Remark`."""

    prediction_id: str = ""
    key: dict[str, InputValue] = field(default_factory=dict)
    outcome: Answer = None
    correction: Answer = None
    rating: int | None = None
    comment: str = ""
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """Who says it, how it came, when it was heard; `columns` are those that a key may name."""

    by: str
    heard_at: dt.datetime
    columns: Collection[str]
    through: str = SERVICE
    taken_by: str = ""


def take_remark(said: Said, taking: Taking) -> Remark | str:
    """Return the remark, or in words that repeat no value why it isn't one."""
    problem = _problem(said, taking)
    if problem:
        return problem
    return Remark(
        prediction_id=said.prediction_id,
        key=said.key,
        outcome=_outcome(said.outcome),
        correction=_outcome(said.correction),
        rating=said.rating,
        comment=mask_comment(said.comment) if said.comment else "",
        at=said.at,
        by=taking.by,
        through=taking.through,
        taken_by=taking.taken_by,
        heard_at=taking.heard_at,
    )


def is_of_the_future(remark: Remark) -> bool:
    """Say whether a remark tells what can't have been known when it was heard; clocks may differ by five minutes."""
    return remark.at is not None and remark.at > remark.heard_at + CLOCKS_DIFFER


def _problem(said: Said, taking: Taking) -> str:
    return (
        _problem_of_about(said, taking.columns)
        or _problem_of_answer(said.outcome, "the outcome")
        or _problem_of_answer(said.correction, "the correction")
        or _problem_of_opinion(said)
    )


def _problem_of_about(said: Said, columns: Collection[str]) -> str:
    if bool(said.prediction_id) == bool(said.key):
        return "either a prediction_id or a key is needed, not both"
    if len(said.prediction_id) > LONGEST_TEXT or not said.prediction_id.isprintable():
        return "the prediction_id is none that was given out"
    unknown = [name for name in said.key if name not in columns]
    if unknown:
        known = ", ".join(columns) or "none, send the prediction_id"
        return f"the key names {len(unknown)} columns that aren't in the log; known: {known}"
    if not all(_is_value(value) for value in said.key.values()):
        return f"a value of the key is longer than {LONGEST_TEXT} characters or no finite number"
    return ""


def _is_value(value: InputValue) -> bool:
    return len(value) <= LONGEST_TEXT if isinstance(value, str) else value is None or math.isfinite(value)


def _problem_of_answer(answer: Answer, what: str) -> str:
    if isinstance(answer, str) and not 0 < len(answer) <= LONGEST_TEXT:
        return f"{what} has to be the name of a class, of 1 to {LONGEST_TEXT} characters"
    if isinstance(answer, float | int) and not math.isfinite(answer):
        return f"{what} has to be a finite number"
    return ""


def _problem_of_opinion(said: Said) -> str:
    if said.rating is not None and not LOWEST_RATING <= said.rating <= HIGHEST_RATING:
        return f"the rating has to be {LOWEST_RATING} to {HIGHEST_RATING}"
    if len(said.comment) > LONGEST_COMMENT:
        return f"the comment is longer than {LONGEST_COMMENT:,} characters"
    if said.at is not None and said.at.tzinfo is None:
        return "the time has no zone; write it like 2013-06-01T09:30:00Z"
    if said.outcome is None and said.correction is None and said.rating is None and not said.comment:
        return "nothing is said; an outcome, a correction, a rating or a comment is needed"
    return ""


def _outcome(answer: Answer) -> Outcome | None:
    return answer if answer is None or isinstance(answer, str) else float(answer)
