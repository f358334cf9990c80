"""An incident: an answer that was wrong in production, kept so that no later version gives it again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.core.records import SCHEMA_VERSION
from ml_platform.core.traffic import InputValue


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCase:
    """What was asked and what the answer has to be: a decision, bounds of the score, or both.

    `inputs` are those of the prediction log, without columns that name a person. Of several classes the score is the
    probability of the class `of`.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    prediction_id: str
    version: int
    answered: float
    event_time: dt.datetime
    inputs: Mapping[str, InputValue]
    decision: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A case that was opened, by the digest it is kept under; `closed_at` is None as long as it binds candidates."""

    name: str
    model: str
    case_digest: str
    slice: str
    reason: str
    opened_by: str
    opened_at: dt.datetime
    review: dt.date
    closed_by: str = ""
    closed_reason: str = ""
    closed_at: dt.datetime | None = None

    @property
    def is_open(self) -> bool:
        """Say whether later candidates have to answer it."""
        return self.closed_at is None
