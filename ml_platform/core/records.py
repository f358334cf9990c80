"""The records that flow between stages: small, immutable, each naming its content by digest.

Heavy data never travel in a record; they lie in a content-addressed store under the digest.
Every record carries `schema_version`, so that an older reader refuses what it doesn't know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ml_platform.core.digest import digest_of
from ml_platform.core.measurement import Fact
from ml_platform.core.verdict import Verdict

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFingerprint:
    """What a source looked like when it was read: one digest per table, sizes in bytes, newest change.

    `facts` say per table how it is read: format, encoding, delimiter, and which of it was stated or detected.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    tables: Mapping[str, str]
    size_bytes: int
    modified_at: dt.datetime | None
    facts: Mapping[str, Mapping[str, Fact]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRecord:
    """An immutable table: `digest` names its logical content (same rows in the same order, same digest).

    Its last `feedback_rows` are from feedback that was accepted, kept under `feedback_digest`.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    rows: int
    columns: tuple[str, ...]
    source_digest: str
    contract_digest: str
    as_of: dt.datetime | None
    unchanged: bool = False
    feedback_rows: int = 0
    feedback_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRecord:
    """The rows that the contract refused; `reasons` counts them by reason."""

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    rows: int
    rows_seen: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRecord:
    """Which snapshot row is in which part: train, validation, calibration, holdout or (after them) live."""

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    snapshot_digest: str
    rows: Mapping[str, int]
    boundaries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesRecord:
    """The feature matrix of a split; `state_digest` names what was fitted on the training rows only."""

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    snapshot_digest: str
    split_digest: str
    code_digest: str
    state_digest: str
    names: tuple[str, ...]
    categorical: tuple[str, ...]
    rows: int
    lineage: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The declared conditions of a training run; an empty one refuses to train.

    `seeds` says what the learner makes of the seed, `lock` names the file that the environment is built from by its
    digest, `platform_digest` the platform's own code, `waiting` how idle threads wait (OMP_WAIT_POLICY), `system` the
    operating system. Those with a default are empty in records that an earlier version wrote.
    """

    seed: int
    threads: int
    learner: str
    learner_version: str
    environment_digest: str
    code_digest: str
    git_commit: str
    git_dirty: bool
    cpu: str
    python: str
    seeds: str = ""
    lock: str = ""
    platform_digest: str = ""
    waiting: str = ""
    system: str = ""
    engine: str = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRecord:
    """A finished study over a learner's parameters: `digest` names its trials, `parameters` are those chosen.

    `best` is the number of the chosen trial, -1 when nothing tried was better than the learner as the file has it;
    then `parameters` are empty. Losses are means over the folds; `stopped` says what ended the study early.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    features_digest: str
    trials: int
    completed: int
    pruned: int
    failed: int
    best: int
    parameters: Mapping[str, Fact]
    metric: str
    loss: float
    default_loss: float
    folds: int
    seconds: float
    stopped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A trained model: `digest` is the SHA-256 of the artefact folder's content, `tree_digest` of its trees alone.

    `threshold` is None where no score is compared with one: with several classes the likeliest is the decision, and a
    number is none; `threshold_rule` says by what it was chosen. `tuned` are the learner's parameters that a study
    chose, in place of the model file's or beside them; `tuning_digest` names the study.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    tree_digest: str
    features_digest: str
    parameters_digest: str
    conditions: Conditions
    rounds: int
    threshold: float | None
    run_id: str
    trained_by: str
    trained_at: dt.datetime
    metrics: Mapping[str, float] = field(default_factory=dict)
    tuned: Mapping[str, Fact] = field(default_factory=dict)
    tuning_digest: str = ""
    threshold_rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """What was measured on the frozen holdout; `champion_digest` is empty when nothing was live.

    Live windows are compared with the reference: the AUC of a binary model, the mean loss of any other.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    model_digest: str
    split_digest: str
    rows: int
    champion_digest: str = ""
    reference_auc: float | None = None
    reference_auc_se: float | None = None
    reference_loss: float | None = None
    reference_loss_se: float | None = None
    profile: Literal["full", "fast"] = "fast"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecord:
    """A written report: its files by format, relative to the platform's home."""

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    evaluation_digest: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Everything that makes one release candidate, by digest; its own digest is what gets promoted."""

    model: str
    source_digest: str
    snapshot_digest: str
    split_digest: str
    features_digest: str
    code_digest: str
    parameters_digest: str
    environment_digest: str
    model_digest: str
    evaluation_digest: str
    git_commit: str

    @property
    def digest(self) -> str:
        """Return the candidate's digest."""
        return digest_of(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePart:
    """The verdicts of one stage over one subject (a digest), under one policy.

    `conditions` are those that held when it was judged, sorted: they decide which gates applied.
    """

    stage: str
    subject_digest: str
    policy_digest: str
    conditions: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    made_at: dt.datetime
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence bundle of one candidate: all its verdicts, bound to its digests and the policy's."""

    FORMAT: ClassVar[str] = "ml-platform/evidence/1"

    schema_version: int = SCHEMA_VERSION
    candidate: Candidate
    policy_digest: str
    parts: tuple[EvidencePart, ...]
    made_at: dt.datetime
    trained_by: str

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Return the verdicts of all parts, in the order of the flow."""
        return tuple(verdict for part in self.parts for verdict in part.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A registered version: candidate, evidence and its signed bundle, both by digest.

    `bundle_digest` is empty in versions that an earlier version of the platform registered: nothing was signed then.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    version: int
    candidate: Candidate
    evidence_digest: str
    policy_digest: str
    released_at: dt.datetime
    released_by: str
    bundle_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord:
    """What is live for one model in one environment since when, by whom and why.

    The platform signs all of it (`core.signed_deployment`); from before that, `signature` is empty.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    environment: str
    version: int
    model_digest: str
    evidence_digest: str
    since: dt.datetime
    actor: str
    reason: str
    key_id: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRecord:
    """One window of traffic: predictions served, and the labels that have come for them."""

    schema_version: int = SCHEMA_VERSION
    model: str
    environment: str
    window: str
    digest: str
    predictions: int
    labelled: int
    errors: int
    versions: Mapping[str, int]
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSummary:
    """The means of some quantities over `n` rows of a window: all that later windows have to know of it."""

    n: int
    means: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What was estimated of a window before its outcomes were known, and what came true; None while it isn't known."""

    value: float
    low: float
    high: float
    realised: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringRecord:
    """What was measured on one window of traffic served by one model version.

    `summaries` are by monitor, `alarms` names the monitors that raised one; `estimates` are by metric.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    environment: str
    window: str
    window_end: dt.datetime
    digest: str
    window_digest: str
    version: int
    model_digest: str
    labelled: int
    summaries: Mapping[str, WindowSummary] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    estimates: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRecord:
    """The outcomes that came for a model: how many, how many belong to a prediction, how many contradict another.

    `remarks` are what people said; `accepted` of it may be learned from and is kept under `accepted_digest`.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    labels: int
    joined: int
    conflicting: int
    remarks: int = 0
    accepted: int = 0
    accepted_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRecord:
    """A version's dossier: its files by format, relative to the platform's home, and the state of every control."""

    schema_version: int = SCHEMA_VERSION
    model: str
    version: int
    digest: str
    files: Mapping[str, str]
    controls: Mapping[str, str]
