"""What is written down of every prediction served, and of every outcome that comes later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

InputValue = str | int | float | bool | None
# A class is said by its name: its place among the classes may change from version to version.
Outcome = float | str
# How a prediction's inputs, and its probabilities of several classes, are called where predictions stand in columns.
INPUT_COLUMN, SCORE_COLUMN = "input_", "score_"
Route = Literal["live", "canary", "shadow"]
SUCCESS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One row that was scored, or one request that was refused.

    `at` is when it was answered, `event_time` when the scored event happens (`at` when the request doesn't say).
    `status` is the HTTP status; below 300 there is a score, unless the model's guard abstained. Of several classes
    `scores` holds the probability of each, in the model's order, and `score` the largest. `inputs` holds the row as it
    was sent, without the columns that name a person. `unseen` names the columns whose level was unknown to the model
    and was scored as missing, `beyond` those whose number lay outside of what was declared or seen in training.

    `route` says which way it went: to what is live; to the challenger of a rollout, in place of what is live
    (`canary`); to the challenger besides (`shadow`). `pair` names the prediction that the caller got instead of this
    one: of every shadow, and of a canary that failed, where what is live answered. Nobody got what has a `pair`.
    `rollout` is the one that drew or mirrored the request, of which only the first row has it: rows that were sent
    together go the same way, so that they are one trial.
    """

    id: str
    at: dt.datetime
    event_time: dt.datetime
    model: str
    environment: str
    version: int
    model_digest: str
    status: int
    score: float | None
    latency_seconds: float
    inputs: Mapping[str, InputValue] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    route: Route = "live"
    pair: str = ""
    rollout: str = ""
    beyond: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether the request was answered: with a score, or saying that the model abstains."""
        return self.status < SUCCESS

    @property
    def abstained(self) -> bool:
        """Whether the row was answered without a score, as the model's guard wants it."""
        return self.answered and self.score is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The outcome of one prediction, known at `at`: 0 or 1, the number, or the name of a class."""

    prediction_id: str
    label: Outcome
    at: dt.datetime
