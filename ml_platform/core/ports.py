"""Ports: what the stages need from the outside, as Protocols; `adapters` holds the real ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from ml_platform.core.hold import Hold
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Fact
from ml_platform.core.notice import Delivered, Notice
from ml_platform.core.records import (
    Candidate,
    Conditions,
    DeploymentRecord,
    Evidence,
    EvidencePart,
    ReleaseRecord,
)
from ml_platform.core.rollout import Rollout, RolloutEnd, RolloutRecord
from ml_platform.core.shown import ShownModel
from ml_platform.core.trial import Trial

RecordT = TypeVar("RecordT")


class Draft(Protocol):
    """A folder being written; it becomes visible under its digest by `keep` and vanishes otherwise."""

    def create(self, name: str) -> BinaryIO:
        """Start a file of the folder; close it before `keep`."""

    def keep(self, digest: str) -> bool:
        """Make the folder visible under `digest` atomically; False when that digest was there already."""


class ArtefactStore(Protocol):
    """Immutable folders by kind and digest; only what was written is ever read, whoever changed the files since."""

    def draft(self, kind: str) -> AbstractContextManager[Draft]:
        """Start a folder of a kind."""

    def put(self, kind: str, digest: str, files: Mapping[str, bytes]) -> bool:
        """Write small files under a digest; False when it was there already."""

    def has(self, kind: str, digest: str) -> bool:
        """Say whether a folder is there."""

    def names(self, kind: str, digest: str) -> Sequence[str]:
        """Return the names of a folder's files; raises as `read` does."""

    def read(self, kind: str, digest: str, name: str) -> bytes:
        """Return a file's content; raises DataInvalid when it isn't what was stored, Unavailable when it is gone."""

    def open(self, kind: str, digest: str, name: str) -> BinaryIO:
        """Open a file for reading anywhere; it and every later read raise as `read` does."""

    def folder(self, kind: str, digest: str) -> Path:
        """Return the folder's local path, for another process that opens it itself; raises Unavailable when gone."""


class Memory(Protocol):
    """Remembers what a stage produced for the same inputs, so that unchanged work isn't done twice."""

    def recall(self, stage: str, key: str, record_type: type[RecordT]) -> Measured[RecordT] | None:
        """Return what was remembered for this key, or None."""

    def remember(self, stage: str, key: str, measured: Measured[RecordT]) -> None:
        """Remember it, atomically."""


class Journal(Protocol):
    """The finished trials of one study; what was appended is there after a kill, what wasn't finished left no trace."""

    def trials(self) -> Sequence[Trial]:
        """Return the trials in the order in which they were appended; raises DataInvalid when they were altered."""

    def append(self, trial: Trial) -> None:
        """Append a trial, durably."""


class Journals(Protocol):
    """The journals of studies, by the digest of what a study is about."""

    def open(self, study: str) -> AbstractContextManager[Journal]:
        """Open a study's journal for this process alone; raises Unavailable while another has it open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """What a tracker writes down of one training run; `files` names the model's files, which stay in the store.

    `classes` names those of a model that decides between several, in the order of its scores; else it is empty.
    """

    model: str
    parameters: Mapping[str, Fact]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    conditions: Conditions
    files: Sequence[str]
    example: Mapping[str, Sequence[float]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()


class Tracker(Protocol):
    """Tracks training runs and shows releases; never an authority on what is live."""

    def log_training(self, run: TrainingRun) -> str:
        """Write a run down and return its id."""

    def log_trials(self, model: str, run_id: str, trials: Sequence[Trial]) -> None:
        """Write the trials of a study down as runs inside a training run."""

    def log_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Add metrics to a run."""

    def has_run(self, run_id: str) -> bool:
        """Say whether a run is tracked."""

    def project_release(self, release: ReleaseRecord, run_id: str) -> None:
        """Show a release as a registered model version; the same call twice changes nothing."""

    def project_live(self, deployment: DeploymentRecord) -> None:
        """Point the environment's alias at the live version; the same call twice changes nothing."""


class Registry(Protocol):
    """What a tracker shows of a model, to compare it with the ledger and put it back; raises Unavailable."""

    def shown(self, model: str) -> ShownModel:
        """Return everything that is shown of a model."""

    def point(self, model: str, alias: str, number: int) -> None:
        """Point an alias at a version, by the tracker's number."""

    def unpoint(self, model: str, alias: str) -> None:
        """Remove an alias."""

    def tag(self, model: str, number: int, tags: Mapping[str, str | None]) -> None:
        """Set tags of a version; None removes one."""

    def untag_model(self, model: str, names: Sequence[str]) -> None:
        """Remove tags of the model itself."""

    def unstage(self, model: str, number: int) -> None:
        """Take a version out of the tracker's own stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's word on one release for one environment, bound to evidence and policy; works once.

    `approval_id` is drawn at random and never comes twice. `signature` (hexadecimal) is over everything else but
    `used_at` and `rejected_at`, by the person's key `key_id`; both are empty when the word isn't signed.
    `rejected_at` is when the version was rejected after this word: it doesn't count any more.
    """

    approval_id: str
    model: str
    version: int
    environment: str
    evidence_digest: str
    policy_digest: str
    approver: str
    given_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None = None
    key_id: str = ""
    signature: str = ""
    rejected_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """One person's word that a rejection stands no longer; signed as an approval is."""

    rejection_id: str
    model: str
    version: int
    environment: str
    withdrawn_by: str
    reason: str
    given_at: dt.datetime
    key_id: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One person's word against one release in one environment; it stands until it is withdrawn.

    `rejection_id` is drawn at random and never comes twice; it is signed as an approval is. `withdrawal` is the one
    that was written down, whether or not it counts.
    """

    rejection_id: str
    model: str
    version: int
    environment: str
    evidence_digest: str
    policy_digest: str
    rejected_by: str
    reason: str
    given_at: dt.datetime
    key_id: str = ""
    signature: str = ""
    withdrawal: Withdrawal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry of the audit chain: `hash` covers the entry and `previous`."""

    sequence: int
    at: dt.datetime
    actor: str
    action: str
    subject: str
    payload: Mapping[str, object]
    previous: str
    hash: str


class Ledger(Protocol):
    """The one authority on releases, approvals, what is live, and the audit chain."""

    def record_part(self, model: str, part: EvidencePart) -> None:
        """Append the verdicts of one stage over one subject."""

    def part(self, model: str, stage: str, subject_digest: str, policy_digest: str) -> EvidencePart | None:
        """Return the newest verdicts of a stage over exactly this subject under exactly this policy."""

    def latest_part(self, model: str, stage: str) -> EvidencePart | None:
        """Return the newest verdicts of a stage, whatever the subject."""

    def record_release(
        self, evidence: Evidence, evidence_digest: str, *, actor: str, at: dt.datetime, bundle_digest: str = ""
    ) -> ReleaseRecord:
        """Register a candidate as the model's next version; the same evidence again returns the same version.

        `bundle_digest` names the signed bundle of the evidence.
        """

    def release(self, model: str, version: int) -> ReleaseRecord | None:
        """Return a registered version."""

    def releases(self, model: str) -> Sequence[ReleaseRecord]:
        """Return all versions of a model, oldest first."""

    def live(self, model: str, environment: str) -> DeploymentRecord | None:
        """Return what is live."""

    def history(self, model: str, environment: str) -> Sequence[DeploymentRecord]:
        """Return everything that was ever live there, oldest first."""

    def deploy(
        self,
        release: ReleaseRecord,
        environment: str,
        *,
        actor: str,
        reason: str,
        approvals: Sequence[str],
        bar: int | None = None,
        hold: Hold | None = None,
        rollout: str = "",
        at: dt.datetime,
    ) -> DeploymentRecord:
        """Move the live pointer, use up approvals, bar version `bar`, write audit and outbox: one transaction.

        A rollout that runs there ends with it: as promoted when it is the one named by `rollout`, else as cancelled.
        Raises DataInvalid when `hold` was taken over, or none is given and somebody else has one.
        """

    def begin_rollout(
        self, rollout: RolloutRecord, *, approvals: Sequence[str], hold: Hold | None = None
    ) -> RolloutRecord:
        """Begin to try a version beside what is live, using up approvals; raises DataInvalid as `deploy` does."""

    def end_rollout(self, ended: RolloutEnd) -> None:
        """End a rollout without moving the pointer; one that was stopped bars its version. Raises DataInvalid."""

    def rollout(self, model: str, environment: str) -> RolloutRecord | None:
        """Return the rollout that runs there."""

    def rollouts(self, model: str, environment: str) -> Sequence[Rollout]:
        """Return all rollouts there, oldest first, each with its end."""

    def running_rollouts(self) -> Sequence[RolloutRecord]:
        """Return every rollout that runs."""

    def take(self, wanted: Hold, *, now: dt.datetime, void: int | None = None) -> tuple[Hold, bool]:
        """Return the hold on a place that is in force now, and whether it is the one that was wanted.

        A hold that has run out is taken over, and one whose token is `void`; the audit names its owner.
        """

    def give_back(self, hold: Hold) -> None:
        """Give a hold back; one that was taken over changes nothing."""

    def barred(self, model: str) -> Mapping[int, str]:
        """Return the barred versions with the reason of each."""

    def approve(self, approval: Approval) -> None:
        """Write an approval down."""

    def approvals(self, model: str, version: int, environment: str) -> Sequence[Approval]:
        """Return the approvals of a version for an environment, used ones included."""

    def reject(self, rejection: Rejection) -> None:
        """Write a rejection down; from then on the version isn't deployed or tried there, and no approval is taken."""

    def withdraw(self, withdrawal: Withdrawal) -> None:
        """Write down that a rejection stands no longer; approvals from before it stay void."""

    def rejections(self, model: str, version: int, environment: str) -> Sequence[Rejection]:
        """Return the rejections of a version for an environment, oldest first, withdrawn ones included."""

    def append(
        self, action: str, *, actor: str, subject: str, payload: Mapping[str, object], at: dt.datetime
    ) -> AuditEntry:
        """Append an entry to the audit chain."""

    def audit(self, *, model: str | None = None) -> Iterable[AuditEntry]:
        """Iterate over the audit chain, oldest first."""

    def after(self, sequence: int, actions: Collection[str]) -> Iterable[AuditEntry]:
        """Iterate over the audit's entries of some actions that came after a sequence number, oldest first."""

    def last(self, action: str, *, subject: str) -> AuditEntry | None:
        """Return the newest audit entry of an action on a subject, or None."""

    def all_of(self, action: str, *, subject: str) -> Sequence[AuditEntry]:
        """Return every audit entry of an action on a subject, oldest first."""

    def problems(self) -> Sequence[str]:
        """Return every problem of the history; empty when it is whole."""

    def project(self, outbox: Callable[[DeploymentRecord], None]) -> int:
        """Hand every pending deployment to `outbox`, in order, marking each done; return how many."""


class Notifier(Protocol):
    """One channel on which people are told."""

    def send(self, notice: Notice) -> Delivered:
        """Deliver a notice and say how that is known; raises Unavailable, without secrets, when it may have failed."""


Clock = Callable[[], dt.datetime]


__all__ = [
    "Approval",
    "ArtefactStore",
    "AuditEntry",
    "Candidate",
    "Clock",
    "Draft",
    "Journal",
    "Journals",
    "Ledger",
    "Memory",
    "Notifier",
    "Registry",
    "Rejection",
    "Tracker",
    "TrainingRun",
    "Withdrawal",
]
