"""Run a stage: recall what it made for the same inputs or let it work, judge it, and record the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Verdict
from ml_platform.orchestration.code_digest import code_digest, features_source
from ml_platform.orchestration.desk import Desk
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.stages.environment import read_environment
from ml_platform.stages.evidence import part_of, record_once

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec


class Digested(Protocol):
    """A record that names its content."""

    @property
    def digest(self) -> str:
        """Return the digest."""


RecordT = TypeVar("RecordT", bound=Digested)
REMEMBERED = "remembered"

# The parts of a model file that a stage reads: a change elsewhere leaves what was remembered true.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "snapshot": ("source", "contract", "features", "feedback"),
    "quarantine": ("source", "contract", "features", "feedback"),
    "split": ("contract", "split"),
    "features": ("contract", "features"),
    "tuning": ("contract", "features", "split", "learner", "tuning"),
    "code_tests": ("source", "contract", "features"),
    "model": ("contract", "features", "learner", "tuning", "compute", "deployment"),
    "evaluation": ("contract", "split", "learner", "deployment", "expectations", "evaluation"),
    "mitigation": ("contract", "features", "learner", "tuning", "compute", "deployment"),
    "report": (
        *("purpose", "owner", "risk_class", "description", "source", "contract", "split", "learner", "deployment"),
        "expectations",
        "evaluation",
    ),
}
# Of these, what only says how a version goes live: no stage that makes one reads it.
GOING_LIVE = {"deployment": {"production", "strategy"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Generic[RecordT]):
    """What identifies a stage's work: its inputs' digests, and the kind of artefact that has to exist still."""

    stage: str
    inputs: Mapping[str, object]
    kind: str
    record_type: type[RecordT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(Generic[RecordT]):
    """A stage's record with its verdicts; `unchanged` when nothing had to be done."""

    record: RecordT
    measurements: tuple[Measurement, ...]
    verdicts: tuple[Verdict, ...]
    unchanged: bool

    @property
    def closed(self) -> tuple[Verdict, ...]:
        """Return the verdicts that stop the path."""
        return tuple(verdict for verdict in self.verdicts if verdict.closes)


def sections_of(spec: ModelSpec, stage: str) -> dict[str, object]:
    """Return the parts of a model file that a stage reads."""
    return spec.model_dump(mode="json", include=set(SECTIONS.get(stage, ())), exclude=GOING_LIVE)


def memory_key(desk: Desk, task: Task[RecordT]) -> str:
    """Return the digest of what decides a stage's work: inputs, its sections of the file, code, what is installed."""
    return digest_of(
        {
            "stage": task.stage,
            "model": desk.model,
            "inputs": task.inputs,
            "sections": sections_of(desk.spec, task.stage),
            "code": code_digest(),
            "features": features_source(desk.spec.features),
            "environment": read_environment(Path.cwd()).digest,
        }
    )


def recall(desk: Desk, task: Task[RecordT]) -> Measured[RecordT] | None:
    """Return what the stage made for the same inputs, if its artefact is still there and the ledger vouches for it.

    Verdicts rest on what is remembered, so a file that somebody edited counts as forgotten: the stage works anew.
    """
    key = memory_key(desk, task)
    found = desk.platform.memory.recall(f"{desk.model}.{task.stage}", key, task.record_type)
    if found is None or not desk.platform.store.has(task.kind, found.record.digest):
        return None
    vouched = desk.platform.ledger.last(REMEMBERED, subject=_remembered(desk, task, key))
    if vouched is None or vouched.payload.get("digest") != _content(found):
        desk.say(f"{task.stage}: what was remembered isn't what the ledger vouches for; it is made anew")
        return None
    return found.remembered()


def remember(desk: Desk, task: Task[RecordT], measured: Measured[RecordT]) -> None:
    """Remember what the stage made, and have the ledger vouch for it."""
    key = memory_key(desk, task)
    desk.platform.memory.remember(f"{desk.model}.{task.stage}", key, measured)
    desk.platform.ledger.append(
        REMEMBERED,
        actor=desk.actor,
        subject=_remembered(desk, task, key),
        payload={"digest": _content(measured)},
        at=desk.now,
    )


def _remembered(desk: Desk, task: Task[RecordT], key: str) -> str:
    return f"{desk.model}/{task.stage}/{key}"


def _content(measured: Measured[RecordT]) -> str:
    return digest_of_bytes(msgspec.json.encode(measured))


def recall_or_work(desk: Desk, task: Task[RecordT], work: Callable[[], Measured[RecordT]]) -> Measured[RecordT]:
    """Return what is remembered, else let the stage work and remember that."""
    found = recall(desk, task)
    if found is None:
        found = work()
        remember(desk, task, found)
    return found


def judge_stage(
    desk: Desk, stage: str, measurements: Sequence[Measurement], *, subject: str, **holds: bool
) -> tuple[Verdict, ...]:
    """Judge a stage's measurements and record the verdicts over their subject, unless these stand there already.

    `holds` are the conditions `champion`, `reference`, `labels` and `own_tests`; the others follow from the model file.
    """
    conditions = conditions_of(desk.spec, **holds)
    verdicts = judge(desk.policy, stage, measurements, conditions=conditions, now=desk.now)
    part = part_of(stage, subject, desk.policy, verdicts, conditions=conditions, now=desk.now, run_id=desk.run_id)
    record_once(desk.platform.ledger, desk.model, part)
    return verdicts


def judged(desk: Desk, stage: str, measured: Measured[RecordT], *, subject: str = "", **holds: bool) -> Judged[RecordT]:
    """Judge what a stage made; the verdicts are about `subject`, or else about the record itself."""
    verdicts = judge_stage(desk, stage, measured.measurements, subject=subject or measured.record.digest, **holds)
    return Judged(
        record=measured.record, measurements=measured.measurements, verdicts=verdicts, unchanged=measured.unchanged
    )
