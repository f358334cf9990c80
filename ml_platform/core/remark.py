"""A remark: what somebody said of one prediction, an outcome or an opinion, and who said it when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from ml_platform.core.digest import digest_of
from ml_platform.core.traffic import InputValue, Outcome

SERVICE = "service"
LOWEST_RATING, HIGHEST_RATING = 1, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What somebody said of the prediction with this id, or of the only one with these inputs (`key`).

    `outcome` is what came true, `correction` what the answer should have been. A `comment` is kept with personal data
    masked only. `at` is when it was known, None where nobody said; `by` who says so, empty where nobody is known.
    `through` is how it came: `service`, or `import` and the file's digest, and then `taken_by` is who brought it.
    """

    prediction_id: str = ""
    key: Mapping[str, InputValue] = field(default_factory=dict)
    outcome: Outcome | None = None
    correction: Outcome | None = None
    rating: int | None = None
    comment: str = ""
    at: dt.datetime | None = None
    by: str = ""
    through: str = SERVICE
    taken_by: str = ""
    heard_at: dt.datetime

    @property
    def answer(self) -> Outcome | None:
        """Return what the prediction should have been told, if the remark says so."""
        return self.correction if self.outcome is None else self.outcome

    @property
    def identity(self) -> str:
        """Return the digest of what was said of what by whom; the same said again is the same remark."""
        said = [
            self.prediction_id,
            self.key,
            self.outcome,
            self.correction,
            self.rating,
            self.comment,
            self.at,
            self.by,
        ]
        return digest_of(said)
