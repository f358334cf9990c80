"""Where training may run, and what is refused of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.conditions import conditions_of
from ml_platform_tests.policy.files import changed, line_of, load_text

PLACE = "  policy:\n    packs: [base]\n"


def with_compute(said: str, *, parameters: str = "") -> str:
    more = (("boosting: gbdt", f"boosting: gbdt, {parameters}"),) if parameters else ()
    return changed((PLACE, f"  compute: {said}\n{PLACE}"), *more)


@pytest.mark.parametrize(
    "said",
    [
        "{engine: local}",
        "{engine: dask, workers: 2}",
        "{engine: dask, workers: 2, memory_per_worker: 1.5GiB}",
        "{engine: dask, workers: 3, threads_per_worker: 2, scheduler: cluster}",
        "{engine: dask, workers: 2, scheduler: 'tcp://127.0.0.1:8786'}",
        "{engine: dask, workers: 2, scheduler: 'tls://[::1]:8786'}",
        "{engine: dask, workers: 2, scheduler: 'tcp://localhost:8786'}",
    ],
)
def test_an_engine_with_all_it_needs_is_accepted(tmp_path: Path, said: str) -> None:
    spec = load_text(tmp_path, with_compute(said)).spec
    assert spec.is_distributed is ("dask" in said)
    assert ("distributed" in conditions_of(spec)) is spec.is_distributed


def test_a_model_without_an_engine_is_digested_as_before_there_were_any(tmp_path: Path) -> None:
    spec = load_text(tmp_path, changed()).spec
    assert "compute" not in spec.model_dump(mode="json")
    assert not spec.is_distributed


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("{engine: dsk, workers: 2}", "compute.engine is 'dsk'; known: local, dask. Did you mean 'dask'?"),
        ("{engine: dask, worker: 2}", "Did you mean 'workers'?"),
        ("{engine: dask, workers: 1}", "compute.workers is 1; needed: at least 2"),
        ("{engine: dask}", "compute.workers is missing; the trees depend on how many there are"),
        ("{engine: local, workers: 2}", "compute.workers is given for engine local, which has none"),
        ("{engine: local, memory_per_worker: 1GiB}", "compute.memory_per_worker is given for engine local"),
        ("{engine: dask, workers: 2, memory_per_worker: much}", "memory_per_worker is 'much'; needed: an amount as"),
        (
            "{engine: dask, workers: 2, memory_per_worker: 1GiB, scheduler: x}",
            "memory_per_worker is given beside a scheduler",
        ),
        ("{engine: local, scheduler: x}", "compute.scheduler is given for engine local"),
        ("{engine: dask, workers: 2, scheduler: 'http://127.0.0.1:1'}", "needed: an address of this machine as tcp"),
        ("{engine: dask, workers: 2, scheduler: 'tcp://127.0.0.1'}", "needed: an address of this machine as tcp"),
        ("{engine: dask, workers: 2, scheduler: 'tcp://127.0.0.1:no'}", "needed: an address of this machine as tcp"),
        ("{engine: dask, workers: 2, scheduler: 'tcp://127.0.0.1:1/x'}", "needed: an address of this machine as tcp"),
        ("{engine: dask, workers: 2, scheduler: 'tls://big:8786'}", "another machine is the operator's to name"),
    ],
)
def test_what_no_engine_can_be_is_refused_with_its_line(tmp_path: Path, said: str, problem: str) -> None:
    text = with_compute(said)
    with pytest.raises(PolicyInvalid) as caught:
        load_text(tmp_path, text)
    assert any(
        problem in found and f"defs.yaml:{line_of('compute:', text)}:" in found for found in caught.value.problems
    )


@pytest.mark.parametrize("secret", ["tcp://me:hunter2@127.0.0.1:8786", "tcp://127.0.0.1:8786?token=hunter2"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    with pytest.raises(PolicyInvalid, match="perhaps a secret") as caught:
        load_text(tmp_path, with_compute(f"{{engine: dask, workers: 2, scheduler: '{secret}'}}"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("method", ["intermediate", "advanced"])
def test_what_lightgbm_has_on_one_machine_only_is_refused(tmp_path: Path, method: str) -> None:
    parameters = f"monotone_constraints_method: {method}"
    with pytest.raises(PolicyInvalid, match="on one machine only; needed with engine dask: basic"):
        load_text(tmp_path, with_compute("{engine: dask, workers: 2}", parameters=parameters))
    load_text(tmp_path / "again", with_compute("{engine: local}", parameters=parameters))
