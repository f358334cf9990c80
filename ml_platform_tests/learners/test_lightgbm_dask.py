"""Training on Dask workers: the same trees for a number of workers, near one machine's, and what a death leaves."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from sklearn.metrics import roc_auc_score

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.learners import dask_cluster
from ml_platform.learners.dask_cluster import open_cluster
from ml_platform.learners.engine import engine_of, open_engine, trained_on
from ml_platform.learners.lightgbm_dask import fit_on
from ml_platform.learners.lightgbm_native import fit, predict
from ml_platform.learners.rows import Rows
from ml_platform.learners.tree_text import same_beginning, tree_digest
from ml_platform.learners.workers import open_workers
from ml_platform.policy.spec import Compute
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.learners.test_lightgbm_native import learner, rows
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_spec

if TYPE_CHECKING:
    from ml_platform.learners.dask_client import PinnedClient

TWO = Compute(engine="dask", workers=2)


@pytest.fixture(scope="module")
def client() -> Iterator[PinnedClient]:
    with open_cluster(TWO) as found:
        yield found


def numbers(given: Rows) -> Rows:
    return dataclasses.replace(given, target=given.values[:, 0] * 3 + given.values[:, 2])


def classes(given: Rows) -> Rows:
    """Return rows of three classes, the last of which only the first worker of two sees."""
    target = np.digitize(given.values[:, 0], [0.0]).astype(np.float64)
    target[np.arange(0, target.size, 40)] = 2
    return dataclasses.replace(given, target=target, classes=("few", "many", "seldom"))


def test_the_same_rows_give_the_same_file_twice_whatever_the_workers_are_called(client: PinnedClient) -> None:
    first = fit_on(client, learner(), rows())
    layout = client.layout
    try:
        client.pin(reversed(layout), threads=1)
        again = fit_on(client, learner(), rows())
    finally:
        client.pin(layout, threads=1)
    assert first.text == again.text
    assert tree_digest(first.text) == tree_digest(again.text)
    assert trained_on(first.text) == (2, 1)
    assert "127.0.0.1" not in first.text


def test_the_number_of_threads_of_a_worker_changes_no_tree(client: PinnedClient) -> None:
    one = fit_on(client, learner(), rows())
    try:
        client.pin(client.layout, threads=2)
        two = fit_on(client, learner(), rows())
    finally:
        client.pin(client.layout, threads=1)
    assert trained_on(two.text) == (2, 2)
    assert tree_digest(one.text) == tree_digest(two.text)


def test_scores_rank_the_held_out_rows_as_one_machine_does(client: PinnedClient) -> None:
    taught, held = rows(2000), rows(2000, seed=3)
    many, one = fit_on(client, learner(), taught), fit(learner(), taught)
    scores = [predict(model.text, held.values) for model in (many, one)]
    ranked = [roc_auc_score(held.target, score) for score in scores]
    assert ranked[0] == pytest.approx(ranked[1], abs=0.01)
    assert np.abs(scores[0] - scores[1]).mean() < 0.05
    assert tree_digest(many.text) != tree_digest(one.text)


def test_training_stops_early_on_all_workers_at_once(client: PinnedClient) -> None:
    said, held = learner(rounds=300, early_stopping_rounds=5), rows(200, seed=2)
    trained = fit_on(client, said, rows(), held)
    assert trained.rounds < 300
    scores = predict(trained.text, held.values)
    chance = np.where(held.target == 1, scores, 1 - scores)
    assert trained.validation_loss == pytest.approx(-np.log(chance).mean())
    assert same_beginning(trained.text, fit_on(client, said, rows(), rounds=5).text)


def test_a_class_that_one_worker_never_sees_is_learned(client: PinnedClient) -> None:
    said = learner(objective="multiclass", class_weight="balanced", early_stopping_rounds=3, calibration="none")
    trained = fit_on(client, said, classes(rows()), classes(rows(200, seed=2)))
    assert predict(trained.text, rows().values).shape == (400, 3)
    assert fit_on(client, said, classes(rows()), classes(rows(200, seed=2))).text == trained.text


def test_a_direction_is_kept_and_weights_count(client: PinnedClient) -> None:
    weighed = dataclasses.replace(numbers(rows()), weight=np.linspace(0, 1, 400))
    said = learner(objective="regression", monotone={"b": "increasing"})
    trained = fit_on(client, said, weighed)
    grid = np.column_stack([np.zeros(50), np.linspace(-2, 2, 50), np.zeros(50)])
    assert (np.diff(predict(trained.text, grid)) >= 0).all()
    assert tree_digest(trained.text) != tree_digest(fit_on(client, said, numbers(rows())).text)


def test_a_worker_without_rows_is_refused(client: PinnedClient) -> None:
    with pytest.raises(DataInvalid, match="1 for 2 workers"):
        fit_on(client, learner(objective="regression"), numbers(rows(1)))


def test_an_engine_is_one_machine_unless_the_model_file_says_otherwise() -> None:
    with open_engine(None) as without, open_engine(Compute(engine="local")) as local:
        assert without is local is fit
    assert engine_of(None) == engine_of(Compute(engine="local")) == "local"
    assert engine_of(TWO) == "dask, 2 workers × 1 thread, rows dealt in turn"
    assert trained_on(fit(learner(threads=2), rows()).text) == (1, 2)


@contextlib.contextmanager
def killed_after(seconds: float, pid: int) -> Iterator[None]:
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGKILL))
    timer.start()
    yield
    timer.cancel()


ENDLESS: dict[str, Any] = {"rounds": 10_000_000}


def trained_until_killed(client: PinnedClient, place: int) -> None:
    fit_on(client, learner(), rows(), rounds=1)  # so that it is trees, not imports, that the signal interrupts
    with killed_after(3.0, client.run(os.getpid)[client.layout[place]]):
        fit_on(client, learner(**ENDLESS), rows())


def test_a_worker_killed_while_it_trains_ends_the_training_and_all_that_was_started() -> None:
    with contextlib.ExitStack() as opened:
        client = opened.enter_context(open_cluster(TWO))
        pids = client.run(os.getpid)
        with pytest.raises(Unavailable, match="nothing was stored"):
            trained_until_killed(client, 1)
    assert len(pids) == 2
    assert not any(map(psutil.pid_exists, pids.values()))


def test_a_running_cluster_is_used_and_freed_of_what_waits_for_a_killed_worker() -> None:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        there = Compute(engine="dask", workers=2, scheduler=cluster.scheduler_address)
        with open_engine(there) as train_there:
            assert trained_on(train_there(learner(), rows()).text) == (2, 1)
        with open_workers(there) as found:
            assert found.each("asking", abs, [-1, -2, -3]) == [1, 2, 3]
        with Client(cluster) as own:
            before = set(own.run(os.getpid).values())
        with pytest.raises(Unavailable, match="nothing was stored"):
            opened_until_killed(there)
        with Client(cluster) as own:
            own.wait_for_workers(2, timeout=60)
            assert not set(own.run(os.getpid).values()) & before


def opened_until_killed(compute: Compute) -> None:
    with open_cluster(compute) as client:
        trained_until_killed(client, 0)


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.5)
    with (
        pytest.raises(Unavailable, match=r"no Dask scheduler answered at tcp://127\.0\.0\.1:9 within"),
        open_engine(Compute(engine="dask", workers=2, scheduler="tcp://127.0.0.1:9")),
    ):
        pass


def test_a_setting_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ML_PLATFORM_SCHEDULER_FARM", raising=False)
    with (
        pytest.raises(Unavailable, match="ML_PLATFORM_SCHEDULER_FARM isn't set"),
        open_engine(Compute(engine="dask", workers=2, scheduler="farm")),
    ):
        pass


def test_a_cluster_with_too_few_workers_or_other_versions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 1)
    with LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:
        monkeypatch.setenv("ML_PLATFORM_SCHEDULER_FARM", cluster.scheduler_address)
        with pytest.raises(Unavailable, match="the cluster has 1 workers, 2 are declared"):
            open_cluster(Compute(engine="dask", workers=2, scheduler="farm")).__enter__()
        with dask_cluster._existing(Compute(engine="dask", scheduler="farm")) as found:
            versions: Any = found.get_versions(packages=list(dask_cluster.SAME_EVERYWHERE))
            worker = next(iter(versions["workers"]))
            versions["workers"][worker]["packages"]["lightgbm"] = "3.0"
            monkeypatch.setattr(found, "get_versions", lambda **_: versions)
            with pytest.raises(Unavailable, match=r"has lightgbm 3\.0; lightgbm 4"):
                dask_cluster.require_same_versions(found, [worker])


def test_the_stage_trains_on_the_workers_and_records_them(
    client: PinnedClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "open_cluster", lambda _: contextlib.nullcontext(client))
    store, tracker = FakeStore(tmp_path / "home"), FakeTracker()
    spec = toy_spec(compute={"engine": "dask", "workers": 2})
    features, _ = stored(store, spec)
    root = repository(tmp_path / "repository")
    made = train(spec, store=store, features=features, tracker=tracker, actor="ann", now=NOW, root=root)
    found = {one.metric: one for one in made.measurements}
    assert (found["reproducible"].value, found["engine_as_declared"].value) == (1, 1)
    assert 0 < (found["one_machine_difference"].value or 0) < 0.8
    run = tracker.runs[made.record.run_id]
    assert made.record.conditions.engine == run.tags["engine"] == engine_of(TWO)
    assert (run.parameters["compute_workers"], run.parameters["compute_threads_per_worker"]) == (2, 1)
    assert run.parameters["compute_scheduler"] == "started for the stage"
