"""Stages on Dask's workers: the results of one process, and what dead workers, limits and other code leave behind.

The tests share one cluster and tell one story: what is killed stays dead, so whatever hurts it comes last.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ml_platform.core.errors import LimitReached, Unavailable
from ml_platform.learners import dask_workers
from ml_platform.learners.dask_cluster import open_cluster
from ml_platform.learners.dask_workers import DaskWorkers, workers_of
from ml_platform.learners.fold_loss import fold_loss, fold_outcome
from ml_platform.learners.lightgbm_native import fit
from ml_platform.learners.scorer import Scorer
from ml_platform.learners.workers import HERE, open_workers
from ml_platform.policy.spec import Compute
from ml_platform.stages import evaluate as evaluating
from ml_platform.stages import snapshot as taking
from ml_platform.stages import tune as tuning
from ml_platform.stages.contract import check_contract
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.guard import Limits, guarded
from ml_platform.stages.profile import profile
from ml_platform.stages.sketches import sketch
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.learners.test_lightgbm_native import learner, rows
from ml_platform_tests.stages.dask_work import greedily, holding, process_of, slowly
from ml_platform_tests.stages.parcels import CONTRACT, Parcels, parcel_spec
from ml_platform_tests.stages.test_on_workers import spoilt, verdict
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_spec
from ml_platform_tests.stages.tuning_toy import tune_toy, tuned_spec

if TYPE_CHECKING:
    from ml_platform.learners.dask_client import PinnedClient

DEAD = {"engine": "dask", "workers": 2, "scheduler": "tcp://127.0.0.1:9"}
LIMIT = 600 << 20


@pytest.fixture(scope="module")
def client() -> Iterator[PinnedClient]:
    with open_cluster(Compute(engine="dask", workers=2, memory_per_worker="600MiB")) as found:
        yield found


@pytest.fixture
def workers(client: PinnedClient) -> DaskWorkers:
    return workers_of(client)


def test_the_nth_part_is_computed_on_the_nth_worker_more_parts_in_turn(
    client: PinnedClient, workers: DaskWorkers
) -> None:
    where = client.run(os.getpid)
    own = [where[worker] for worker in client.layout]
    assert workers.each("asking", process_of, range(5)) == [own[0], own[1], own[0], own[1], own[0]]
    assert (workers.count, workers.threads) == (2, 1)
    assert all(handler.level == logging.CRITICAL for handler in logging.getLogger("distributed").handlers)


def test_checks_descriptions_and_scores_are_those_of_one_process(workers: DaskWorkers, tmp_path: Path) -> None:
    rules = {"light": {"kind": "compare", "left": "weight", "sign": "<", "value": 5}}
    spec, frame = parcel_spec(tmp_path / "rows.csv", contract=CONTRACT, rules=rules), spoilt()
    one, many = (check_contract(spec, frame, workers=each) for each in (HERE, workers))
    assert verdict(many) == verdict(one)
    assert profile(spec, many.accepted, workers=workers) == profile(spec, one.accepted)
    assert sketch(spec, many.accepted, workers=workers) == sketch(spec, one.accepted)
    for said in ({}, {"objective": "regression"}):
        scorer, values = Scorer(fit(learner(**said), rows()).text), rows(403, seed=4).values
        assert scorer.score(values, workers=workers).tobytes() == scorer.score(values).tobytes()
    folds = [(rows(), rows(200, seed=seed)) for seed in (2, 3)]
    assert workers.each("tuning", fold_outcome, folds, learner()) == [fold_loss(learner(), *fold) for fold in folds]


def test_a_worker_without_memory_for_its_part_is_named_and_goes_on_living(workers: DaskWorkers) -> None:
    with pytest.raises(Unavailable, match="checking on Dask: a worker has no memory left for its part"):
        workers.each("checking", greedily, [1 << 30])
    assert len(workers.each("asking", process_of, [0, 1])) == 2


def test_a_stage_over_its_time_stops_waiting_for_workers(workers: DaskWorkers) -> None:
    limits = Limits(name="parcels/snapshot", seconds=0.5)
    with pytest.raises(LimitReached, match=r"the model file allows 0\.5 s") as caught, guarded(limits, say=print):
        workers.each("checking", slowly, [3.0, 3.0])
    assert caught.value.exit_code == 4


def test_workers_with_other_code_are_refused(client: PinnedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    dask_workers._require_same_code(client)

    def unknown(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'ml_platform'")

    with monkeypatch.context() as patched:
        patched.setattr(dask_workers, "digest_of", lambda _: "0" * 64)
        with pytest.raises(Unavailable, match=r"has ml_platform [0-9a-f]+; ml_platform 0000\w+ is needed"):
            dask_workers._require_same_code(client)
    monkeypatch.setattr(client, "run", unknown)
    with pytest.raises(Unavailable, match="can't run ml_platform"):
        dask_workers._require_same_code(client)


@pytest.mark.parametrize("stage", ["snapshot", "tuning", "evaluation"])
def test_a_dead_scheduler_is_named_and_nothing_is_stored(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_platform.learners.dask_cluster.CONNECT_SECONDS", 0.5)
    run = STAGES[stage](tmp_path, DEAD)
    before = stored_files(tmp_path)
    with pytest.raises(Unavailable, match=r"no Dask scheduler answered at tcp://127\.0\.0\.1:9") as caught:
        run()
    assert caught.value.exit_code == 2
    assert stored_files(tmp_path) == before


def test_a_worker_over_its_memory_is_ended_before_it_takes_the_machine_s(workers: DaskWorkers) -> None:
    pids = workers.each("asking", process_of, [0, 1])
    with pytest.raises(Unavailable, match=r"over compute\.memory_per_worker"):
        workers.each("describing", holding, [LIMIT, 1])
    assert len(pids) == 2


@pytest.mark.parametrize("stage", ["snapshot", "tuning", "evaluation"])
def test_a_worker_killed_while_a_stage_needs_it_ends_the_stage_and_nothing_is_stored(
    stage: str, tmp_path: Path, client: PinnedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (taking, tuning, evaluating):
        monkeypatch.setattr(module, "open_workers", lambda _: contextlib.nullcontext(DaskWorkers(client)))
    run = STAGES[stage](tmp_path, {"engine": "local"})
    before = stored_files(tmp_path)
    with contextlib.suppress(IndexError, ProcessLookupError):
        os.kill(list(client.run(os.getpid).values())[-1], signal.SIGKILL)
    with pytest.raises(Unavailable, match="on Dask: a worker or the scheduler was lost") as caught:
        run()
    assert caught.value.exit_code == 2
    assert stored_files(tmp_path) == before


def test_the_declared_engine_is_opened_and_one_machine_needs_none(
    client: PinnedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_workers(None) as alone, open_workers(Compute(engine="local")) as local:
        assert alone is local is HERE
    monkeypatch.setattr("ml_platform.learners.dask_cluster.open_cluster", lambda _: contextlib.nullcontext(client))
    with open_workers(Compute(engine="dask", workers=2)) as there:
        assert there == DaskWorkers(client)


def snapshot_of(folder: Path, compute: dict[str, Any]) -> Any:
    parcels = Parcels(folder, spoilt(600), compute=compute)
    return parcels.snapshot


def evaluation_of(folder: Path, compute: dict[str, Any]) -> Any:
    store, tracker = FakeStore(folder / "home"), FakeTracker()
    features, split = stored(store, toy_spec())
    root = repository(folder / "repository")
    made = train(toy_spec(), store=store, features=features, tracker=tracker, actor="ann", now=NOW, root=root)
    spec = toy_spec(compute=compute)
    return lambda: evaluate(spec, store=store, model=made.record, features=features, split=split)


def study_of(folder: Path, compute: dict[str, Any]) -> Any:
    stored(FakeStore(folder), toy_spec())
    spec = tuned_spec(trials=2).model_copy(update={"compute": Compute.model_validate(compute)})
    return lambda: tune_toy(folder, spec)


STAGES = {"snapshot": snapshot_of, "tuning": study_of, "evaluation": evaluation_of}


def stored_files(folder: Path) -> set[Path]:
    """Return what is stored, but for the journal of a study in which nothing was tried."""
    return {path for path in folder.rglob("*") if path.is_file() and path.stat().st_size and ".git" not in path.parts}
