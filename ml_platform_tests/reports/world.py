"""A small evaluated model in a fake store: what a report is written from."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ml_platform.core.curves import CalibrationBin, Curves
from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Probes
from ml_platform.core.records import Conditions, DeploymentRecord, EvaluationRecord, ModelRecord, ReportRecord
from ml_platform.core.verdict import Verdict
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.gates import Gate
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.policy.spec import ModelSpec
from ml_platform.reports.content import Content, read_content
from ml_platform.reports.write import write_report
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.policy.gates_of import at_least, at_most, holds

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ROWS = {"train": 800, "validation": 100, "calibration": 100, "holdout": 300}
CONDITIONS = Conditions(
    seed=7, threads=1, learner="lightgbm", learner_version="4.7.0", environment_digest="e" * 64, code_digest="c" * 64,
    git_commit="9" * 40, git_dirty=False, cpu="a processor", python="3.11",
)  # fmt: skip
CURVES = Curves(
    threshold=0.4,
    roc=((0.0, 0.0), (0.2, 0.6), (1.0, 1.0)),
    calibration=(CalibrationBin(predicted=0.3, observed=0.35, low=0.3, high=0.4, n=100),),
    edges=(0.0, 0.5, 1.0),
    negatives=(150, 50),
    positives=(30, 70),
    importance={"load": 0.7, "wind": 0.3},
)


def spec(**changes: Any) -> ModelSpec:
    """Describe a small model."""
    said = {
        "model": "toy",
        "purpose": "Say whether a parcel is late.",
        "owner": "parcels@example.org",
        "risk_class": "limited",
        "description": "A model for tests.",
        "source": {
            "tables": {"rows": {"kind": "file", "path": "rows.csv"}},
            "licence": "CC0-1.0",
            "description": "Invented rows.",
        },
        "contract": {
            "load": {"type": "number"},
            "late": {"type": "boolean", "role": "target"},
            "day": {"type": "datetime", "role": "time"},
            "crew": {"type": "category", "role": "group"},
        },
        "features": "toy_features",
        "split": {"kind": "time", "train_days": 6, "validation_days": 2, "calibration_days": 2, "holdout_days": 2},
        "learner": {"kind": "lightgbm", "objective": "binary", "seed": 7, "threads": 1, "rounds": 30},
    }
    return ModelSpec.model_validate_json(json.dumps(said | changes))


def measurements(*, crew: str = "a", ratio: float = 0.9) -> list[Measurement]:
    """Measure a model on its holdout; `crew` names one of the two groups."""
    rates = {"group": 0.3 * ratio, "reference": 0.3}
    return [
        Measurement(metric="roc_auc", value=0.77, low=0.74, high=0.8, n=300, confidence=0.95),
        Measurement(metric="precision", value=0.6, low=0.5, high=0.7, n=100),
        Measurement(metric="slice_auc", subject=f"crew={crew}", value=0.7, low=0.6, high=0.8, n=200),
        Measurement(metric="slice_auc", subject="crew=b", value=None, n=100, reason="one class only"),
        Measurement(
            metric="selection_rate_ratio", subject=f"crew={crew} vs crew=b", value=ratio, low=ratio - 0.05,
            high=ratio + 0.05, n=100, facts=rates,
        ),
    ]  # fmt: skip


def policy(**more: Gate) -> Policy:
    """Hold the model to a few limits."""
    gates: dict[str, Gate] = {
        "rows_are_many": at_least(100, stage="snapshot", metric="row_count"),
        "trees_are_text": holds(stage="model", metric="artefact_is_text"),
        "auc_is_sufficient": at_least(0.65, judged_on="low"),
        "rates_are_similar": at_least(0.8, metric="selection_rate_ratio", judged_on="low", when="groups"),
        "slices_hold": at_least(0.6, metric="slice_auc", severity="warn"),
        "no_worse_than_live": at_least(-0.01, metric="roc_auc_difference", when="champion"),
        "loads": holds(stage="release", metric="loads_in_clean_process"),
        "gap_is_small": at_most(0.2, metric="generalisation_gap", severity="warn"),
    }
    return make_policy(gates | more, (), {"production": 1}, ("test",))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A store with one evaluation, and everything else that a report takes."""

    store: FakeStore
    model: ModelRecord
    evaluation: EvaluationRecord
    verdicts: tuple[Verdict, ...]
    policy: Policy | None
    live: DeploymentRecord | None = None
    spec: ModelSpec

    def content(self) -> Content:
        """Read what goes into the report."""
        return read_content(
            spec=self.spec, store=self.store, evaluation=self.evaluation, model=self.model, verdicts=self.verdicts,
            live=self.live, rows=ROWS, policy=self.policy,
        )  # fmt: skip

    def write(self, now: dt.datetime = NOW) -> Measured[ReportRecord]:
        """Write the report."""
        return write_report(
            spec=self.spec, store=self.store, evaluation=self.evaluation, model=self.model, verdicts=self.verdicts,
            live=self.live, rows=ROWS, policy=self.policy, now=now,
        )  # fmt: skip

    def file(self, form: str) -> str:
        """Write the report and read one of its files."""
        return (self.store.home / self.write().record.files[form]).read_text()


def world(
    store: FakeStore,
    found: Sequence[Measurement] | None = None,
    *,
    curves: Curves | bytes | None = CURVES,
    its_spec: ModelSpec | None = None,
    champion: str = "",
    probes: Probes | bytes | None = None,
) -> World:
    """Put an evaluation into the store and judge it."""
    found = measurements() if found is None else found
    files = {"measurements.json": msgspec.json.encode(found)}
    if curves is not None:
        files["curves.json"] = curves if isinstance(curves, bytes) else msgspec.json.encode(curves)
    if probes is not None:
        files["probes.json"] = probes if isinstance(probes, bytes) else msgspec.json.encode(probes)
    digest = digest_of({name: content.decode() for name, content in files.items()} | {"champion": champion})
    store.put("evaluations", digest, files)
    described, its_policy = its_spec or spec(), policy()
    model = ModelRecord(
        model="toy", digest="a" * 64, tree_digest="b" * 64, features_digest="c" * 64, parameters_digest="d" * 64,
        conditions=CONDITIONS, rounds=30, threshold=0.4, run_id="run", trained_by="kim", trained_at=NOW,
    )  # fmt: skip
    evaluation = EvaluationRecord(
        model="toy",
        digest=digest,
        model_digest=model.digest,
        split_digest="5" * 64,
        rows=300,
        champion_digest=champion,
        profile="fast" if probes is None else "full",
    )
    return World(
        store=store, model=model, evaluation=evaluation, verdicts=judged(found, its_policy, described),
        policy=its_policy, spec=described,
    )  # fmt: skip


def judged(found: Sequence[Measurement], its_policy: Policy, described: ModelSpec) -> tuple[Verdict, ...]:
    """Judge every stage up to the evaluation."""
    stages = {
        "snapshot": [Measurement(metric="row_count", value=1300.0, n=1300, unit="rows")],
        "model": [Measurement(metric="artefact_is_text", value=1.0, n=1, unit="fact")],
        "evaluation": found,
    }
    conditions = frozenset[str](conditions_of(described))
    return tuple(
        verdict
        for stage, measured in stages.items()
        for verdict in judge(its_policy, stage, measured, conditions=conditions, now=NOW)
    )


def deployed(model_digest: str = "f" * 64) -> DeploymentRecord:
    """Say that a version is live in staging."""
    return DeploymentRecord(
        model="toy", environment="staging", version=3, model_digest=model_digest, evidence_digest="1" * 64,
        since=NOW, actor="kim", reason="a try",
    )  # fmt: skip


def without(one: World, gate: str) -> World:
    """Take a gate's verdict away."""
    return replace(one, verdicts=tuple(verdict for verdict in one.verdicts if verdict.gate != gate))
