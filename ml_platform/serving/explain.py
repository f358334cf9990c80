"""Explain: scores with what each feature did to them, and the few that did most, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.serving.answer import Answered, Classed
from ml_platform.serving.by_column import ColumnPart, ColumnReason, column_parts, column_reasons
from ml_platform.serving.contract_check import Checked
from ml_platform.serving.live import Live
from ml_platform.serving.predictor import RawScores
from ml_platform.serving.protocol import ScoringProtocol, encode
from ml_platform.serving.refusal import Refused
from ml_platform.serving.reply import Reply
from ml_platform.serving.request import Rows

MOST_ROWS = 200
MOST_REASONS, REASONS = 100, 4
# By how much average and contributions may miss the raw score, as a part of it, or of 1 when it is smaller.
ROUNDING = 1e-9
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCode:
    """A feature that moved a score towards its decision: `effect` is `raises` or `lowers`; never a value."""

    feature: str
    effect: str
    contribution: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A raw score taken apart: `average` and all `contributions` add up to `raw`, in `unit`; so do those of `columns`.

    `decision` is what the reasons led to: positive, negative, a class, or empty for a number. `p_value` says how usual
    the row is: the share of calibration rows as unlike the training rows, None when the model's guard doesn't tell.
    """

    decision: str
    unit: str
    average: float
    raw: float
    contributions: dict[str, float]
    reasons: tuple[ReasonCode, ...]
    columns: tuple[ColumnPart, ...]
    column_reasons: tuple[ColumnReason, ...]
    p_value: float | None = None


class Explaining:
    """MLflow's protocol with an explanation of each row. It is refused before it is scored when it says too much."""

    cost = 1 << 20  # never on the way of other requests
    names_version = False

    def __init__(self, spoken: ScoringProtocol, query: bytes) -> None:
        self._spoken = spoken
        self._query = query
        self._reasons = REASONS
        self.kinds = spoken.kinds

    def read(self, live: Live, body: bytes) -> tuple[Rows, Checked]:
        """Return a body's rows, checked against the contract; raises Refused with every problem."""
        self._reasons = _wanted(self._query)
        rows, checked = self._spoken.read(live, body)
        if len(rows) > MOST_ROWS:
            message = f"the request holds {len(rows):,} rows, at most {MOST_ROWS} are explained at once: send fewer"
            raise Refused(413, "TOO_LARGE", message)
        return rows, checked

    def told(self, live: Live, answered: Answered) -> Reply:
        """Return the answer with an explanation of each row."""
        return Reply(
            200, encode({**asdict(answered.answer), "explanations": explanations(live, answered, self._reasons)})
        )

    def refused(self, refused: Refused) -> Reply:
        """Return a refusal."""
        return self._spoken.refused(refused)


def _wanted(query: bytes) -> int:
    """Return how many reasons are asked for with `?reasons=`."""
    said = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    text = said.pop("reasons", str(REASONS))
    if said or not text.isascii() or not text.isdigit() or len(text) > len(str(MOST_REASONS)):
        raise Refused(400, "BAD_REQUEST", f"only ?reasons= is known here, a number from 0 to {MOST_REASONS}")
    return int(text)


def explanations(live: Live, answered: Answered, most: int) -> list[Explanation | None]:
    """Explain rows that were scored, with up to `most` reasons each; of one that wasn't there is nothing to say.

    Raises DataInvalid when contributions and average don't add up to the raw score: then they explain nothing.
    """
    told = [(row, said) for row, said in zip(answered.rows, answered.answer.predictions, strict=True)]
    scored = [(row, said) for row, said in told if said is not None]
    if not scored:
        return [None] * len(told)
    rows = [row for row, _ in scored]
    found = live.predictor.explain_rows(rows)
    require_sums(found)
    usual = live.outliers.p_values(rows) if live.outliers else [None] * len(rows)
    explained = (
        replace(_explanation(live, found, row, said, most), p_value=usual[row]) for row, (_, said) in enumerate(scored)
    )
    return [None if said is None else next(explained) for _, said in told]


def require_sums(found: RawScores) -> None:
    """Raise DataInvalid unless average and contributions add up to the raw score, in every row."""
    missed = np.abs(found.average + found.contributions.sum(axis=-1) - found.raw)
    wrong = ~(missed <= ROUNDING * np.maximum(1.0, np.abs(found.raw)))
    if wrong.any():
        message = (
            f"explanations: the contributions of {np.count_nonzero(wrong.any(axis=1)):,} of {len(wrong):,} rows miss "
            f"the raw score; they have to add up to it (to {ROUNDING:g}); train the model again, with parameters that "
            "LightGBM can explain"
        )
        raise DataInvalid(message)


def _explanation(live: Live, found: RawScores, row: int, said: float | Classed, most: int) -> Explanation:
    decision, at, sign = _decided(live, said)
    names, moved = live.predictor.contract.feature_names, found.contributions[row, at]
    unit, parts = live.predictor.raw_unit, column_parts(live.predictor.contract, moved.tolist())
    return Explanation(
        decision=decision,
        unit=unit,
        average=float(found.average[row, at]),
        raw=float(found.raw[row, at]),
        contributions=dict(zip(names, moved.tolist(), strict=True)),
        reasons=tuple(_reason(names[place], float(moved[place]), unit) for place in _strongest(moved, sign, most)),
        columns=parts,
        column_reasons=column_reasons(parts, sign, most, unit),
    )


def _decided(live: Live, said: float | Classed) -> tuple[str, int, int]:
    """Return the decision, whose contributions tell of it, and which sign leads to it (0: either)."""
    contract = live.predictor.contract
    if isinstance(said, Classed):
        return said.decided, contract.classes.index(said.decided), 1
    if contract.threshold is None:
        return "", 0, 0
    positive = said >= contract.threshold
    return ("positive" if positive else "negative"), 0, 1 if positive else -1


def _strongest(moved: Floats, sign: int, most: int) -> Sequence[int]:
    """Return the places of the largest contributions of a sign, largest first; of equal ones the earlier."""
    towards = moved * sign if sign else np.abs(moved)
    return [int(at) for at in np.argsort(-towards, kind="stable")[:most] if towards[at] > 0]


def _reason(feature: str, contribution: float, unit: str) -> ReasonCode:
    effect = "raises" if contribution > 0 else "lowers"
    words = f"{feature} {effect} the {unit or 'prediction'} by {abs(contribution):.3g}"
    return ReasonCode(feature=feature, effect=effect, contribution=contribution, words=words)
