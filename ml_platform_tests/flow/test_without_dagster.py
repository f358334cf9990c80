"""The whole path as plain function calls: what a notebook does, with the real stores, tracker and scoring service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.deployments import read_manifest
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.adapters.traffic_log import read_columns, traffic_folder
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import ModelRecord, ReleaseRecord
from ml_platform.core.verdict import Verdict
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.spec import ModelSpec
from ml_platform.settings import Settings
from ml_platform.sources.read import fingerprint
from ml_platform.stages.code_tests.measure import measure_code_tests
from ml_platform.stages.code_tests.try_code import try_code
from ml_platform.stages.ephemeral_service import ephemeral_service
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.evidence import part_of, record_once
from ml_platform.stages.features import build_features, read_matrix
from ml_platform.stages.holdout_looks import look
from ml_platform.stages.ingredients import Ingredients
from ml_platform.stages.monitor import monitor_window
from ml_platform.stages.objection import Refused
from ml_platform.stages.periods import month
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.reference import read_reference
from ml_platform.stages.release import make_release
from ml_platform.stages.replay import play
from ml_platform.stages.request_rows import request_rows
from ml_platform.stages.retraining import Retrain, Stay, Watched, decide_retraining
from ml_platform.stages.snapshot import rows_after, take_snapshot
from ml_platform.stages.split import make_split
from ml_platform.stages.train import train
from ml_platform.stages.verify_service import verify_service
from ml_platform.stages.window import collect_window
from ml_platform_tests.orchestration.small_model import NOW, load_small, rows

OCTOBER = pd.Timestamp("2025-10-01", tz="UTC")


class Digested(Protocol):
    """A record that names its content."""

    @property
    def digest(self) -> str:
        """Return the digest."""


RecordT = TypeVar("RecordT", bound=Digested)


@dataclass(frozen=True)
class Notebook:
    """What a person has at hand between two cells."""

    file: GovernedModelFile
    platform: Platform

    @property
    def spec(self) -> ModelSpec:
        return self.file.spec

    def judge(
        self, stage: str, found: Sequence[Measurement], subject: str, *, labels: bool = False
    ) -> tuple[Verdict, ...]:
        """Judge measurements under the model's policy and put the verdicts into the ledger."""
        conditions = conditions_of(self.spec, labels=labels)
        verdicts = judge(self.file.policy, stage, found, conditions=conditions, now=NOW)
        part = part_of(stage, subject, self.file.policy, verdicts, conditions=conditions, now=NOW)
        record_once(self.platform.ledger, self.spec.model, part)
        return verdicts

    def kept(self, stage: str, made: Measured[RecordT], subject: str = "") -> None:
        """Judge what a stage made; no gate may be closed."""
        verdicts = self.judge(stage, made.measurements, subject or made.record.digest)
        assert [one.reason for one in verdicts if one.closes] == []

    def promote(self, release: ReleaseRecord, environment: str) -> Promoted | Refused:
        done = promote(
            self.file.policy, store=self.platform.store, ledger=self.platform.ledger,
            verifier=self.platform.signing, model=self.spec.model, version=release.version, environment=environment,
            actor="robin", reason="first", now=NOW, conditions=conditions_of(self.spec),
        )  # fmt: skip
        assert self.platform.project().problems == ()
        return done


def table() -> pd.DataFrame:
    """Return a year of parcels whose fate has nothing to do with what is known of them from October on."""
    found = rows()
    later = (found["sent"] >= OCTOBER).to_numpy()
    chance = np.random.default_rng(1).random(len(found)) < 0.4
    return found.assign(late=np.where(later, chance, found["late"]))


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Notebook:
    folder = tmp_path_factory.mktemp("notebook")
    settings = Settings(home=folder / "home", mlflow_uri=tracking, actor="robin", defs=folder / "defs", only=())
    return Notebook(load_small(folder, table=table()), open_platform(settings))


@dataclass(frozen=True)
class Released:
    """A candidate that became version 1."""

    model: ModelRecord
    release: ReleaseRecord


@pytest.fixture(scope="module")
def released(notebook: Notebook) -> Released:
    """Go from the source to a registered version."""
    spec, store, ledger, tracker = (
        notebook.spec, notebook.platform.store, notebook.platform.ledger, notebook.platform.tracker,
    )  # fmt: skip
    source = fingerprint(spec, now=NOW)
    notebook.kept("source", source)
    taken = take_snapshot(spec, store=store, source=source.record, as_of=None, reference=None, now=NOW)
    notebook.kept("snapshot", taken.snapshot)
    notebook.kept("quarantine", taken.quarantine, taken.snapshot.record.digest)
    split = make_split(spec, store=store, snapshot=taken.snapshot.record, as_of=None)
    notebook.kept("split", split)
    features = build_features(spec, store=store, snapshot=taken.snapshot.record, split=split.record)
    tests = try_code(spec, store=store, snapshot=taken.snapshot.record, split=split.record)
    told = measure_code_tests(tests, code_digest=features.record.code_digest)
    notebook.kept("features", replace(features, measurements=(*features.measurements, *told)))
    model = train(spec, store=store, features=features.record, tracker=tracker, actor="robin", now=NOW)
    notebook.kept("model", model)
    evaluation = evaluate(spec, store=store, model=model.record, features=features.record, split=split.record)
    looks = look(
        read_matrix(store, features.record).part_of("holdout"), store=store, ledger=ledger, model=spec.model,
        model_digest=model.record.digest, actor="robin", now=NOW,
    )  # fmt: skip
    notebook.kept("evaluation", replace(evaluation, measurements=(*evaluation.measurements, looks)))
    parts = Ingredients(
        source=source.record, snapshot=taken.snapshot.record, split=split.record, features=features.record,
        model=model.record, evaluation=evaluation.record,
    )  # fmt: skip
    made = make_release(
        spec, notebook.file.policy, store=store, ledger=ledger, tracker=tracker,
        signing=notebook.platform.signing, ingredients=parts, actor="robin", now=NOW,
    )  # fmt: skip
    assert isinstance(made.outcome, ReleaseRecord)
    return Released(model.record, made.outcome)


# The tests below are one story and run in the order they are written.


def test_a_candidate_with_every_gate_open_becomes_version_one(notebook: Notebook, released: Released) -> None:
    assert released.release.version == 1
    assert notebook.platform.tracker.has_run(released.model.run_id)


def test_production_is_locked_until_staging_was_verified(notebook: Notebook, released: Released) -> None:
    refused = notebook.promote(released.release, "production")
    assert isinstance(refused, Refused)
    assert refused.outcome == "undecided"
    assert any("(staging) never ran on this candidate" in reason for reason in refused.reasons)


def test_staging_serves_the_candidate_and_opens_production(notebook: Notebook, released: Released) -> None:
    assert isinstance(notebook.promote(released.release, "staging"), Promoted)
    home, spec = notebook.platform.home, notebook.spec
    holdout = rows_after(spec, dt.datetime(2025, 7, 15, tzinfo=dt.UTC), dt.datetime(2025, 8, 15, tzinfo=dt.UTC))
    with ephemeral_service(home, spec.model, "staging") as url:
        asked = request_rows(spec, holdout.head(50))
        seen = verify_service(url, store=notebook.platform.store, model=released.model, rows=asked)
    opened = Measurement(metric="lock_open", value=1.0, n=1)
    verdicts = notebook.judge("staging", (opened, *seen), released.release.candidate.digest)
    assert [one.reason for one in verdicts if one.closes] == []
    promoted = notebook.promote(released.release, "production")
    assert isinstance(promoted, Promoted)
    manifest = read_manifest(home, "production", spec.model)
    assert manifest is not None
    assert manifest.model_digest == released.model.digest


def serve_month(notebook: Notebook, name: str) -> int:
    """Send a month's rows to the real service, then hand in their outcomes; return how many were answered."""
    spec, home, period = notebook.spec, notebook.platform.home, month(name)
    frame = rows_after(spec, period.start, period.end)
    folder = traffic_folder(home, "production", spec.model)
    known: list[tuple[str, float, dt.datetime]] = []
    with ephemeral_service(home, spec.model, "production", traffic=folder) as url:
        for answer in play(url, request_rows(spec, frame)):
            labels = frame[spec.target].iloc[list(answer.rows)]
            known += [(one, float(label), period.end) for one, label in zip(answer.ids, labels, strict=True)]
    LabelStore(home).append(spec.model, known)
    return len(known)


def decide(notebook: Notebook, released: Released, name: str) -> Retrain | Stay:
    """Monitor a month and let the platform decide."""
    spec, home, ledger = notebook.spec, notebook.platform.home, notebook.platform.ledger
    period, store = month(name), notebook.platform.store
    folder, now = traffic_folder(home, "production", spec.model), dt.datetime.now(tz=dt.UTC)
    served = read_columns(folder, period.start, period.end, keys=FileKeys(home)).tables
    labels = LabelStore(home).words(spec.model)
    window = collect_window(spec.model, "production", period, predictions=served, words=labels, store=store, now=now)
    watched = monitor_window(
        spec, store=store, window=window.record, period=period, live=released.release,
        reference=read_reference(spec, store, released.release),
    )  # fmt: skip
    notebook.judge("monitoring", watched.measurements, watched.record.digest, labels=True)
    assert spec.monitoring is not None
    seen = Watched(
        window=watched.record, part=ledger.latest_part(spec.model, "monitoring"),
        live=ledger.live(spec.model, "production"),
    )  # fmt: skip
    return decide_retraining(spec.monitoring, seen)


def test_a_month_as_before_is_no_reason_to_retrain(notebook: Notebook, released: Released) -> None:
    assert serve_month(notebook, "2025-09") > 200
    decided = decide(notebook, released, "2025-09")
    assert isinstance(decided, Stay)
    assert "live_auc_holds hold" in decided.reason


def test_a_month_that_became_another_world_asks_for_retraining(notebook: Notebook, released: Released) -> None:
    serve_month(notebook, "2025-10")
    decided = decide(notebook, released, "2025-10")
    assert isinstance(decided, Retrain)
    assert decided.gates == ("live_auc_holds",)
    assert decided.as_of == month("2025-10").end


def test_the_whole_history_is_in_the_audit_chain(notebook: Notebook, released: Released) -> None:
    actions = [entry.action for entry in notebook.platform.ledger.audit(model=notebook.spec.model)]
    assert actions.count("released") == 1
    assert actions.count("promotion_refused") == 1
    assert actions.count("deployed") == 2


def test_the_state_lies_where_the_settings_say(notebook: Notebook, released: Released) -> None:
    there = {path.name for path in Path(notebook.platform.home).iterdir()}
    assert {"snapshots", "models", "evidence", "deployments", "traffic", "labels", "ledger.sqlite"} <= there
