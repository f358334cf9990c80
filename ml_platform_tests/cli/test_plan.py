"""`ml-platform plan` says how many rows and labels the gates need, from the newest snapshot."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.cli.models import load
from ml_platform.orchestration.records import keep_record
from ml_platform.settings import load_settings
from ml_platform.sources.read import fingerprint
from ml_platform.stages.plan import BATCHES, plan_batches, plan_labels, plan_losses
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
    found = {(one.subject, one.change): one.labels for one in plan_labels(0.75, {"": 0.2, "none": 0.0})}
    assert found["", 0.05] is not None
    assert found["", 0.05] < found["", 0.01]  # type: ignore[operator]
    assert found["", 0.05] == pytest.approx(1416, rel=0.05)
    assert found["none", 0.01] is None


def model_of(defs: Path, target: str, column: str, objective: str) -> None:
    """Let the model predict another column of the table."""
    path = defs / "parcels" / "defs.yaml"
    text = path.read_text()
    for old, new in (
        ("late: {type: boolean, role: target}", "late: {type: boolean, role: not_used, known: after, reason: Not it.}"),
        (column, target),
        ("objective: binary", f"objective: {objective}"),
        ("live_auc_holds", "live_loss_holds"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def lines_of(run: Run) -> dict[str, list[str]]:
    """Return the numbers of each line of the plan by what it is about."""
    take("parcels")
    said = run("plan", "parcels")
    assert said.code == 0, said.err
    found = [line.split() for line in said.out.partition("Labels to")[2].splitlines()[1:] if line]
    return {" ".join(words[:-4]): words[-4:] for words in found}


def test_labels_of_several_classes_are_counted_per_class_and_for_the_loss(run: Run, defs: Path) -> None:
    levels = "carrier: {type: category, levels: [land, sea, air]"
    model_of(defs, f"{levels}, role: target}}", f"{levels}}}", "multiclass")
    found = lines_of(run)
    assert {"land", "sea", "air"} <= set(found)
    assert sum(float(found[name][0]) for name in ("land", "sea", "air")) == pytest.approx(1, abs=0.002)
    assert any(name.startswith("region 1, ") for name in found)
    assert {"all rows", "region 1"} <= set(found)


def test_labels_of_a_number_are_counted_for_the_loss_alone(run: Run, defs: Path) -> None:
    column = "distance: {type: number, range: [0, 2000]"
    model_of(defs, f"{column}, role: target}}", f"{column}}}", "regression")
    found = lines_of(run)
    mean, *counts = found["all rows"]
    assert float(mean) > 0
    few = [int(count.replace(",", "")) for count in counts]
    assert few == sorted(few, reverse=True)
    assert few[0] == pytest.approx(25 * few[2], rel=0.2)
    assert "region 1" in found


def test_rows_that_cost_nothing_need_more_labels_than_there_are() -> None:
    found = list(plan_losses({"all rows": np.zeros(5), "nobody": np.empty(0)}))
    assert {one.labels for one in found} == {None}
