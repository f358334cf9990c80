"""How far several workers are from one machine, how gates judge it, and what a training that can't start leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml_platform.core.errors import Unavailable
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.learners.lightgbm_native import fit
from ml_platform.policy.judge import judge
from ml_platform.policy.packs import combine, pack_files
from ml_platform.policy.resolve import make_policy
from ml_platform.policy.spec import Compute
from ml_platform.stages.one_machine import _every_second, engine_measurements, one_machine_difference
from ml_platform.stages.train import parameters_digest, train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.learners.test_lightgbm_native import learner, rows
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_spec

TWO = Compute(engine="dask", workers=2)
GATES = ("engine_is_as_declared", "agrees_with_one_machine")


def test_the_same_trees_are_no_distance_and_half_of_the_rows_are_the_unit() -> None:
    taught, held = rows(), rows(200, seed=2).values
    same = one_machine_difference(learner(), taught, held, fit(learner(), taught))
    half = one_machine_difference(learner(), taught, held, fit(learner(), _every_second(taught)))
    assert (same.value, half.value) == (0.0, 1.0)
    assert same.n == 200
    assert half.facts["mean_absolute_difference"] == half.facts["mean_absolute_difference_of_half_the_rows"]


def test_without_rows_to_score_there_is_no_distance() -> None:
    nothing = one_machine_difference(learner(), rows(), np.empty((0, 3)), fit(learner(), rows()))
    assert (nothing.value, nothing.n) == (None, 0)


def test_a_model_that_one_process_made_isnt_what_two_workers_were_declared_for() -> None:
    trained = fit(learner(), rows())
    said = {"train": rows(), "held": rows(200, seed=2).values, "beginning": trained}
    found = {one.metric: one for one in engine_measurements(learner(), TWO, trained, **said)}  # type: ignore[arg-type]
    assert found["engine_as_declared"].value == 0
    assert found["engine_as_declared"].facts["workers"] == 1
    for alone in (None, Compute(engine="local")):
        assert list(engine_measurements(learner(), alone, trained, **said)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "n", "status"),
    [
        (0.4, 100, "passed"),
        (0.8, 100, "passed"),
        (0.81, 100, "failed"),
        (float("nan"), 100, "undecided"),
        (None, 100, "undecided"),
        (0.4, 99, "undecided"),
    ],
)
def test_the_distance_is_judged(value: float | None, n: int, status: str) -> None:
    measured = Measurement(metric="one_machine_difference", value=value, n=n, unit="share")
    assert judged(measured)["agrees_with_one_machine"] == status


@pytest.mark.parametrize(("value", "status"), [(1.0, "passed"), (0.0, "failed"), (None, "undecided")])
def test_the_engine_is_judged(value: float | None, status: str) -> None:
    found = judged(Measurement(metric="engine_as_declared", value=value, n=2, unit="fact"))
    assert found["engine_is_as_declared"] == status
    assert found["agrees_with_one_machine"] == "undecided"


def test_one_machine_is_asked_for_neither() -> None:
    assert judged(when=frozenset({"always"})) == dict.fromkeys(GATES, "not_applicable")


def judged(*measured: Measurement, when: frozenset[str] = frozenset({"always", "distributed"})) -> dict[str, Outcome]:
    base = combine(["base"], pack_files())
    policy = make_policy({name: base.gates[name] for name in GATES}, (), {}, ("base",))
    found = judge(policy, "model", measured, conditions=when, now=NOW)
    return {verdict.gate: verdict.outcome for verdict in found}


def test_the_engine_counts_among_the_parameters_only_where_it_is_used() -> None:
    local, two, three = (
        parameters_digest(toy_spec(compute=said))
        for said in ({"engine": "local"}, {"engine": "dask", "workers": 2}, {"engine": "dask", "workers": 3})
    )
    assert parameters_digest(toy_spec()) == local
    assert len({local, two, three}) == 3


def test_a_dead_scheduler_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_platform.learners.dask_cluster.CONNECT_SECONDS", 0.5)
    root, store, tracker = repository(tmp_path / "repository"), FakeStore(tmp_path / "home"), FakeTracker()
    spec = toy_spec(compute={"engine": "dask", "workers": 2, "scheduler": "tcp://127.0.0.1:9"})
    features, _ = stored(store, spec)
    with pytest.raises(Unavailable, match="no Dask scheduler answered") as caught:
        train(spec, store=store, features=features, tracker=tracker, actor="ann", now=NOW, root=root)
    assert caught.value.exit_code == 2
    assert not (store.home / "models").exists()
    assert not tracker.runs
