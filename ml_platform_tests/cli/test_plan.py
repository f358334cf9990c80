"""`ml-platform plan` says how many rows and labels the gates need, from the newest snapshot."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.cli.models import load
from ml_platform.orchestration.records import keep_record
from ml_platform.settings import load_settings
from ml_platform.sources.read import fingerprint
from ml_platform.stages.plan import BATCHES, plan_batches, plan_labels
from ml_platform.stages.snapshot import take_snapshot
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.orchestration.small_model import write_model

NOW = dt.datetime(2024, 9, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def parcels(defs: Path) -> None:
    write_model(defs.parent)


def take(model: str) -> int:
    """Take a snapshot of a model as a run does, and return its rows."""
    spec = load(model).spec
    with open_platform(load_settings()) as platform:
        source = fingerprint(spec, now=NOW).record
        taken = take_snapshot(
            spec, store=platform.store, source=source, as_of=None, reference=None, now=NOW, vault=platform.vault
        )
        keep_record(platform.home, (model, "snapshot"), taken.snapshot.record)
    return taken.snapshot.record.rows


def test_without_a_snapshot_there_is_nothing_to_plan_from(run: Run) -> None:
    said = run("plan", "parcels")
    assert said.code == 2
    assert "parcels: no snapshot was taken yet; one is needed; `ml-platform run parcels` takes it" in said.err


def test_the_plan_names_every_gate_on_batches_and_labels_per_group(run: Run) -> None:
    rows = take("parcels")
    said = run("plan", "parcels")
    assert said.code == 0, said.err
    assert f"New rows against a reference of {rows:,}: the smallest share of faulty rows" in said.out
    gates = [gate for gate in load("parcels").policy.gates.values() if gate.metric.startswith("batch_")]
    assert sum("→" in line for line in said.out.splitlines()) >= sum(gate.reveals is not None for gate in gates)
    assert "Labels to reveal a loss of AUC from 0.75" in said.out
    assert "all rows" in said.out


def test_more_rows_reveal_smaller_faults_and_what_is_asked_is_enough(run: Run) -> None:
    file = load("parcels")
    for one in plan_batches(file, 5_000):
        smallest = [one.smallest[batch] for batch in BATCHES]
        assert smallest == sorted(smallest, reverse=True)
        assert one.rows_needed is not None
    tiny = {one.metric: one for one in plan_batches(file, 8)}
    assert tiny["batch_missing_shift"].rows_needed is None


def test_labels_follow_hanley_and_mcneil_and_one_class_alone_never_does() -> None:
    found = {(one.subject, one.loss): one.labels for one in plan_labels(0.75, {"": 0.2, "none": 0.0})}
    assert found["", 0.05] is not None
    assert found["", 0.05] < found["", 0.01]  # type: ignore[operator]
    assert found["", 0.05] == pytest.approx(1416, rel=0.05)
    assert found["none", 0.01] is None
