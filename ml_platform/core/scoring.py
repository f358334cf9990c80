"""What a scoring request has to look like, and what the scorer needs to turn it into a score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from ml_platform.core.digest import canonical_json, digest_of

FILES = "files.json"
MODEL_TEXT = "model.txt"
FEATURES_STATE = "features_state.json"
FEATURES_SOURCE = "features.py"
SHARED_SOURCE = "shared."
SCORING = "scoring.json"
CALIBRATION = "calibration.json"
ENVIRONMENT = "environment.json"


# A probability, a number or a quantile; of several classes the probability of each, in their order.
Score = float | tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputColumn:
    """One column of a scoring request.

    `low`, `high` and `levels` are the declared limits: a value outside them is refused. `missing` is the share of
    missing values that the contract allows; above zero a null is accepted. `logged` is False for a column that
    names a person directly: its values are never written down.
    """

    name: str
    type: str
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] | None = None
    missing: float = 0.0
    logged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringContract:
    """The interface of one trained model; stored as `scoring.json` beside the trees.

    `time` names the column that says when the scored event happens; unless it is an input too, a request may
    leave it out. `task` is binary, multiclass, regression or quantile. `threshold` is None but for binary, `classes`
    are in the order of their scores and empty but for multiclass, `quantile` is the share of outcomes below a score.
    `calibration` names the method of the calibration that lies beside the trees; empty: there is none. Of the inputs
    in `shown` the learned levels may be shown to whoever asks: they aren't personal. `made_from` names the inputs of
    each feature, as far as changing them was seen to change it; empty for a model that was trained before it was said.
    """

    schema_version: int = 1
    model: str
    inputs: tuple[InputColumn, ...]
    time: str | None
    features_module: str
    code_digest: str
    feature_names: tuple[str, ...]
    categorical: tuple[str, ...]
    threshold: float | None
    task: str = "binary"
    classes: tuple[str, ...] = ()
    quantile: float | None = None
    calibration: str = ""
    shown: tuple[str, ...] = ()
    made_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesState:
    """What the features learned from the training rows; stored as `features_state.json` beside the trees."""

    levels: Mapping[str, tuple[str, ...]]
    state: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanCheck:
    """What a fresh process saw: the scores of the rows, and what loading and scoring one row cost."""

    digest: str
    scores: tuple[Score, ...]
    load_seconds: float
    scoring_latency_p99_seconds: float
    timed_calls: int
    peak_memory_bytes: int


# Since schema version 2. A contract that says nothing of these is written without them, as version 1: a model that
# needs none keeps its digest, and a reader that knows only version 1 refuses one that it would score wrongly.
_SINCE_2 = frozenset({"classes", "quantile", "calibration"})
# What a reader of any version may overlook; written only when it says something.
_MAY_BE_OVERLOOKED = frozenset({"shown", "made_from"})
SCORING_VERSIONS = (1, 2)


def contract_json(contract: ScoringContract) -> str:
    """Write a scoring contract as `scoring.json` holds it, under the lowest schema version that can say it."""
    said = {each.name: getattr(contract, each.name) for each in fields(contract)}
    written = {name: value for name, value in said.items() if value or name not in _SINCE_2 | _MAY_BE_OVERLOOKED}
    return canonical_json({**written, "schema_version": 2 if _SINCE_2 & written.keys() else 1})


def artefact_digest(files: Mapping[str, str]) -> str:
    """Return the digest of a model artefact from the SHA-256 of each of its files (all but `files.json`)."""
    return digest_of({name: digest for name, digest in files.items() if name != FILES})


def shared_source(module: str) -> str:
    """Return the name under which an artefact holds the source of a module that its features share.

    >>> shared_source("team.calendar")
    'shared.team.calendar.py'
    """
    return f"{SHARED_SOURCE}{module}.py"


def shared_module(name: str) -> str:
    """Return the module whose source an artefact holds under this name, "" where it is no shared source.

    >>> shared_module("shared.team.calendar.py"), shared_module("features.py")
    ('team.calendar', '')
    """
    is_one = name.startswith(SHARED_SOURCE) and name.endswith(".py")
    return name.removeprefix(SHARED_SOURCE).removesuffix(".py") if is_one else ""


def code_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return of named files the features' source and the sources that these share.

    >>> sorted(code_of({"features.py": b"", "shared.team.calendar.py": b"", "model.txt": b""}))
    ['features.py', 'shared.team.calendar.py']
    """
    return {name: content for name, content in files.items() if name == FEATURES_SOURCE or shared_module(name)}


def score_of(value: float | Sequence[float]) -> Score:
    """Return a score as it is kept: several classes' probabilities as a tuple.

    >>> score_of(0.5), score_of([0.25, 0.75])
    (0.5, (0.25, 0.75))
    """
    return float(value) if isinstance(value, int | float) else tuple(float(one) for one in value)


def score_difference(one: Score, other: Score) -> float:
    """Return the largest difference of two scores of the same row; infinite when they aren't of the same form.

    >>> score_difference((0.25, 0.75), (0.5, 0.5)), score_difference(0.5, (0.5, 0.5))
    (0.25, inf)
    """
    ours, theirs = (each if isinstance(each, tuple) else (each,) for each in (one, other))
    if isinstance(one, tuple) != isinstance(other, tuple) or len(ours) != len(theirs):
        return math.inf
    return max(abs(left - right) for left, right in zip(ours, theirs, strict=True))
