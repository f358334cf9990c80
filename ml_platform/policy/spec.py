"""The model file's schema: strict, frozen, and the only description of a governed model."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal, assert_never

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ml_platform.policy.breaking import Breaking
from ml_platform.policy.coercions import Coercion
from ml_platform.policy.expectations import Expectations
from ml_platform.policy.formats import Format
from ml_platform.policy.freezes import Freeze
from ml_platform.policy.gates import Override, Waiver
from ml_platform.policy.guard import Guard
from ml_platform.policy.movable import MOST_COLUMNS, Move
from ml_platform.policy.resources import Resources, bytes_of
from ml_platform.policy.row_rules import RowRule
from ml_platform.policy.strategy import Direct, Strategy, is_direct

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Wanted = Annotated[float, Field(gt=0.0, le=1.0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """Unknown keys, wrong types and non-finite numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _unsaid(value: object) -> bool:
    """Say whether a later option isn't used: then it isn't written down, and older models keep their digests."""
    return not value


class RiskClass(StrEnum):
    """How much harm a wrong model can do; decides the pack that is added and the approvals needed."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"


class Role(StrEnum):
    """What a column is for."""

    FEATURE = "feature"
    TARGET = "target"
    TIME = "time"
    ENTITY = "entity"
    GROUP = "group"
    WEIGHT = "weight"
    NOT_USED = "not_used"


class PersonalData(StrEnum):
    """How a column relates to a person (GDPR's identifiers and special categories)."""

    NONE = "none"
    QUASI = "quasi"
    DIRECT = "direct"
    SENSITIVE = "sensitive"


class Column(Strict):
    """One column of the contract."""

    type: Literal["integer", "number", "category", "boolean", "datetime"]
    role: Role = Role.FEATURE
    also: tuple[Role, ...] = ()
    range: tuple[Finite, Finite] | None = None
    levels: tuple[str, ...] | None = None
    format: Format | None = None
    pattern: str | None = None
    coerce: tuple[Coercion, ...] | None = None
    missing: Share = 0.0
    unique: bool = False
    personal_data: PersonalData = PersonalData.NONE
    known: Literal["before", "after"] = "before"
    available_after_days: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    reason: str = ""
    description: str = ""

    @property
    def roles(self) -> frozenset[Role]:
        """Return every role of the column (a group may be a feature too)."""
        return frozenset({self.role, *self.also})

    @property
    def is_text(self) -> bool:
        """Whether the column has to reach the contract as text, because its text says what a number would lose."""
        return self.type == "category" or any(one.kind.startswith("text_") for one in self.coerce or ())


Encoding = Literal[
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "latin-1", "cp1252", "iso-8859-15", "cp1250",
    "iso-8859-2", "cp1251", "koi8-r", "cp1253", "cp1254", "cp437", "cp850", "mac-roman", "shift_jis", "gb18030", "big5",
    "euc-kr",
]  # fmt: skip
Sign = Annotated[str, Field(min_length=1, max_length=1)]


class Csv(Strict):
    """How a CSV file is written; what isn't stated is detected and said; `names` are for a file without a header."""

    encoding: Encoding | None = None
    delimiter: Sign | None = None
    quote: Sign = '"'
    decimal: Literal[".", ","] = "."
    header: bool | None = None
    names: tuple[Text, ...] | None = None


class ByPartition(Strict):
    """Of a folder only files that are new or changed are read; the rows of the others are kept from before."""

    by: Literal["partition"]


class ByWatermark(Strict):
    """Only rows above the highest value of a column that was read before are read; it grows with every new row."""

    by: Literal["watermark"]
    column: Text


class PackageTable(Strict):
    """A table inside an installed Python package, read by path without importing the package."""

    kind: Literal["package"]
    package: Text
    path: Text
    csv: Csv = Csv()
    columns: tuple[Text, ...] | None = None


class FileTable(Strict):
    """A CSV or Parquet file, a zip of one, or a folder of them, relative to the working directory or absolute."""

    kind: Literal["file"]
    path: Text
    csv: Csv = Csv()
    columns: tuple[Text, ...] | None = None
    incremental: ByPartition | None = None


class UrlTable(Strict):
    """A file, or a folder of them, in a file system that fsspec reaches, among the places that the operator allows."""

    kind: Literal["url"]
    url: Text
    csv: Csv = Csv()
    columns: tuple[Text, ...] | None = None
    incremental: ByPartition | None = None


class SqlTable(Strict):
    """What one SELECT gives of a database that an SQLAlchemy URL names, in the file or in a setting; only read."""

    kind: Literal["sql"]
    url: Text | None = None
    setting: Name | None = None
    query: Text | None = None
    table: Text | None = None
    parameters: dict[Name, Finite | int | bool | str] = Field(default_factory=dict)
    fingerprint: Text | None = None
    columns: tuple[Text, ...] | None = None
    incremental: ByWatermark | None = None


Table = Annotated[PackageTable | FileTable | UrlTable | SqlTable, Field(discriminator="kind")]


class Source(Strict):
    """Where rows come from; several tables are put together by the features module's `assemble`."""

    tables: dict[Name, Table] = Field(min_length=1)
    as_of: AwareDatetime | None = None
    licence: Text
    description: Text


class TimeSplit(Strict):
    """Parts by time, counted backwards from `as_of`: train, validation, calibration, then holdout.

    The training rows slide along with `as_of`, unless they grow: then rows older than `train_days` teach too.
    """

    kind: Literal["time"]
    train_days: int = Field(ge=1)
    validation_days: int = Field(ge=1)
    calibration_days: int = Field(ge=1)
    holdout_days: int = Field(ge=1)
    train_grows: bool = Field(default=False, exclude_if=_unsaid)


class EntitySplit(Strict):
    """Parts by a hash of the entity, so that a person is in one part only."""

    kind: Literal["entity"]
    train: Share
    validation: Share
    calibration: Share
    holdout: Share
    salt: Text


Split = Annotated[TimeSplit | EntitySplit, Field(discriminator="kind")]


Objective = Literal[
    "binary", "multiclass", "regression", "regression_l1", "huber", "fair", "poisson", "gamma", "tweedie", "mape",
    "quantile",
]  # fmt: skip
Profile = Literal["full", "fast"]
Task = Literal["binary", "multiclass", "regression", "quantile"]
Direction = Literal["increasing", "decreasing"]
Ingredient = Literal["features", "parameters", "policy"]
CalibrationMethod = Literal["none", "isotonic", "platt"]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
BINARY_CLASSES = ("negative", "positive")


class Learner(Strict):
    """LightGBM's parameters as they are passed; seed and threads are declared, never defaulted."""

    kind: Literal["lightgbm"]
    objective: Objective
    seed: int = Field(ge=0)
    threads: int = Field(ge=1)
    rounds: int = Field(ge=1)
    early_stopping_rounds: int | None = Field(default=None, ge=1)
    parameters: dict[str, Finite | int | bool | str] = Field(default_factory=dict)
    quantile: float | None = Field(default=None, gt=0.0, lt=1.0, exclude_if=_unsaid)
    monotone: dict[Text, Direction] = Field(default_factory=dict, exclude_if=_unsaid)
    weights: Text | None = Field(default=None, exclude_if=_unsaid)
    class_weight: Literal["balanced"] | dict[Text, Positive] | None = Field(default=None, exclude_if=_unsaid)
    calibration: CalibrationMethod | None = Field(default=None, exclude_if=_unsaid)
    reweigh: tuple[Text, ...] = Field(default=(), exclude_if=_unsaid)
    half_life_days: Positive | None = Field(default=None, exclude_if=_unsaid)

    @property
    def task(self) -> Task:
        """Return what is predicted: one of two classes, one of several, a number, or a quantile of it."""
        return task_of(self.objective)


def task_of(objective: Objective) -> Task:
    """Return the task that an objective belongs to.

    >>> task_of("huber"), task_of("quantile")
    ('regression', 'quantile')
    """
    match objective:
        case "binary" | "multiclass" | "quantile":
            return objective
        case _:
            return "regression"


class Dimension(Strict):
    """What a study tries for one parameter: the numbers from `low` to `high`, or the `choices`."""

    low: Finite | int | None = None
    high: Finite | int | None = None
    log: bool = False
    step: Finite | int | None = None
    choices: tuple[Finite | int | bool | str, ...] | None = None


class Tuning(Strict):
    """A study over the learner's parameters: what it tries, how often, for how long, and what it gives up early."""

    trials: int = Field(ge=1)
    seconds: float | None = Field(default=None, gt=0.0)
    folds: int = Field(default=4, ge=2, le=20)
    pruner: Literal["median", "none"] = "median"
    seed: int = Field(ge=0)
    space: dict[Text, Dimension] = Field(min_length=1)


class Compute(Strict):
    """Where a stage computes: in its own process, or on Dask workers, started for it or of a running cluster."""

    engine: Literal["local", "dask"]
    workers: int | None = Field(default=None, ge=2, le=256)
    threads_per_worker: int | None = Field(default=None, ge=1, le=256)
    memory_per_worker: str | None = Field(default=None, exclude_if=_unsaid)
    scheduler: Text | None = None

    @property
    def memory_bytes(self) -> int | None:
        """Return what each worker may hold; a text that is no amount was refused when the file was checked."""
        return bytes_of(self.memory_per_worker) if self.memory_per_worker is not None else None


class PolicyChoice(Strict):
    """The packs (the risk class's own is always among them), tightenings, waivers and windows without promotions."""

    packs: tuple[Name, ...] = ("base",)
    overrides: dict[Name, Override] = Field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    freezes: tuple[Freeze, ...] = Field(default=(), max_length=100, exclude_if=_unsaid)
    breaking: Breaking | None = Field(default=None, exclude_if=_unsaid)


class Costs(Strict):
    """What a decision costs by what comes true, all in one unit; below 0 it is a benefit."""

    false_positive: Finite
    false_negative: Finite
    true_positive: Finite = 0.0
    true_negative: Finite = 0.0

    @property
    def matrix(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the costs by what came true (0, 1), then by what was decided (0, 1)."""
        return (self.true_negative, self.false_positive), (self.false_negative, self.true_positive)


class Deployment(Strict):
    """How releases reach production, and by which one rule a score becomes a decision (default: Youden's index).

    `automatic` still goes through the promotion lock.
    """

    production: Literal["manual", "automatic"] = "manual"
    strategy: Strategy = Field(default=Direct(), exclude_if=is_direct)
    selected_share: Share | None = None
    costs: Costs | None = Field(default=None, exclude_if=_unsaid)
    recall_at_least: Wanted | None = Field(default=None, exclude_if=_unsaid)
    precision_at_least: Wanted | None = Field(default=None, exclude_if=_unsaid)
    youden: Literal[True] | None = Field(default=None, exclude_if=_unsaid)

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the names of the rules for the threshold that are given; a checked file has at most one."""
        named = ("selected_share", "costs", "recall_at_least", "precision_at_least", "youden")
        return tuple(name for name in named if getattr(self, name) is not None)


WindowKind = Literal["hour", "day", "month"]


class Monitoring(Strict):
    """How live traffic is watched, how often an alarm may be false, and what starts retraining."""

    window: WindowKind = "month"
    start: dt.date
    end: dt.date | None = None
    retrain_when: tuple[Name, ...]
    cooldown_days: int = Field(ge=0)
    minimum_labels: int = Field(ge=1)
    roll_back: Literal["automatic", "manual"] = "automatic"
    false_rollbacks_per_year: float = Field(default=0.05, gt=0.0, le=1.0, allow_inf_nan=False)
    false_alarms_per_year: float = Field(default=1.0, gt=0.0, le=100.0, allow_inf_nan=False)
    retrain_on_change_of: tuple[Ingredient, ...] = Field(default=(), exclude_if=_unsaid)
    retrain_after_days: int | None = Field(default=None, ge=1, exclude_if=_unsaid)
    retrain_on_expected_gain: float | None = Field(
        default=None, gt=0.0, lt=1.0, allow_inf_nan=False, exclude_if=_unsaid
    )
    retrain_on_expected_harm: bool = Field(default=False, exclude_if=_unsaid)
    retrain_again_after_change: bool = Field(default=False, exclude_if=_unsaid)
    most_per_week: int | None = Field(default=None, ge=1, exclude_if=_unsaid)
    most_cpu_hours_in_30_days: float | None = Field(default=None, gt=0.0, allow_inf_nan=False, exclude_if=_unsaid)


class EvaluationChoice(Strict):
    """How deeply a candidate is examined; `fast` leaves out what trains or scores the model again and again."""

    profile: Profile = "full"
    movable: dict[Text, Move] = Field(default_factory=dict, max_length=MOST_COLUMNS, exclude_if=_unsaid)


class FeedbackChoice(Strict):
    """That accepted feedback is learned from, as at most this share of the source's rows."""

    at_most_share: Annotated[float, Field(gt=0.0, le=0.5, allow_inf_nan=False)] = 0.1


class ModelSpec(Strict):
    """One governed model: what it is for, its data, its features, its learner, its policy, its life."""

    model: Name
    purpose: Text
    owner: Text
    risk_class: RiskClass
    description: Text
    source: Source
    contract: dict[Annotated[str, Field(min_length=1)], Column] = Field(min_length=2)
    rules: dict[Name, RowRule] = Field(default_factory=dict, max_length=200)
    features: Text
    split: Split
    learner: Learner
    resources: Resources = Resources()
    tuning: Tuning | None = Field(default=None, exclude_if=_unsaid)
    compute: Compute | None = Field(default=None, exclude_if=_unsaid)
    expectations: Expectations | None = Field(default=None, exclude_if=_unsaid)
    evaluation: EvaluationChoice | None = Field(default=None, exclude_if=_unsaid)
    feedback: FeedbackChoice | None = Field(default=None, exclude_if=_unsaid)
    policy: PolicyChoice = PolicyChoice()
    deployment: Deployment = Deployment()
    guard: Guard | None = Field(default=None, exclude_if=_unsaid)
    monitoring: Monitoring | None = None

    def columns(self, role: Role) -> tuple[str, ...]:
        """Return the names of the columns with a role, in the contract's order."""
        return tuple(name for name, column in self.contract.items() if role in column.roles)

    @property
    def target(self) -> str:
        """Return the target column's name."""
        return self.columns(Role.TARGET)[0]

    @property
    def time(self) -> str | None:
        """Return the time column's name, if there is one."""
        found = self.columns(Role.TIME)
        return found[0] if found else None

    @property
    def entity(self) -> str | None:
        """Return the entity column's name, if there is one."""
        found = self.columns(Role.ENTITY)
        return found[0] if found else None

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes in the order of their codes in the matrix; none when a number is predicted.

        Those of a multiclass target are its declared levels.
        """
        match self.learner.task:
            case "binary":
                return BINARY_CLASSES
            case "multiclass":
                return self.contract[self.target].levels or ()
            case "regression" | "quantile":
                return ()
            case task:
                assert_never(task)

    @property
    def profile(self) -> Profile:
        """Return how deeply the model file wants candidates examined."""
        return (self.evaluation or EvaluationChoice()).profile

    @property
    def movable(self) -> dict[str, Move]:
        """Return what the subject of a prediction could change beforehand, by column."""
        return self.evaluation.movable if self.evaluation else {}

    @property
    def is_distributed(self) -> bool:
        """Whether the model is trained on several workers."""
        return self.compute is not None and self.compute.engine == "dask"

    @property
    def weight(self) -> str | None:
        """Return the name of the column that weighs the training rows, if the learner names one."""
        return self.learner.weights

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the columns a scoring request has to carry: the features known before the prediction."""
        return self.columns(Role.FEATURE)
