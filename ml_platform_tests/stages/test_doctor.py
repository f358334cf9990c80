"""The doctor names the circumstance that changes what is made, the first stage that differs, and suspicious lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.core.diagnosis import Diagnosis
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.ports import ArtefactStore
from ml_platform.reports.diagnosis import diagnosis_lines
from ml_platform.stages.doctor import examine
from ml_platform.stages.rebuild import Made, Order
from ml_platform.stages.rebuild_process import Heard, Kitchen, run_rebuild
from ml_platform.stages.stage_parts import STAGES
from ml_platform.stages.suspects import suspects
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.made_again import FEATURES, Team, cook_here, found_team, imports_of

RANDOM = FEATURES.replace('columns["distance"]', 'columns["distance"] + np.random.rand()').replace(
    "from parcel", "import numpy as np\n\nfrom parcel", 1
)
BY_HASH = FEATURES.replace("* 1.0", '* float(hash("heavy") % 997 + 1)')


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    found = found_team(tmp_path_factory.mktemp("team"))
    with imports_of(found):
        yield found


@pytest.fixture
def order(team: Team) -> Order:
    spec = team.load().spec
    return Order(spec=spec.model_dump(mode="json"), as_of=spec.source.as_of, commit="not asked for")


def wrong(found: Diagnosis) -> list[tuple[str, str]]:
    return [(one.name, one.stage) for one in found.trials if one.stage]


def test_random_numbers_differ_within_one_process_and_their_line_is_named(order: Order, tmp_path: Path) -> None:
    found = examine(
        order, Kitchen(code={"features.py": RANDOM.encode()}), model="parcels", store=FakeStore(tmp_path), run=cook_here
    )
    assert wrong(found) == [("the same process, twice", "features")]
    assert [one.tried for one in found.trials] == [True, False, False, False]
    assert found.suspects == ("parcels_team.parcel_features: line 10 draws random numbers",)
    said = "\n".join(diagnosis_lines(found))
    assert "✗ the same process, twice" in said
    assert "- another process" in said
    assert not found.deterministic


def once(order: Order, kitchen: Kitchen, *, store: ArtefactStore) -> Heard:
    """Make it really, up to the features, once for each hash seed; what the others would say is known."""
    seed = kitchen.variables["PYTHONHASHSEED"]
    if seed not in HEARD:
        up_to_features = dataclasses.replace(order, rounds=1, expected={"features": {}})
        heard = run_rebuild(up_to_features, kitchen, store=store)
        others = tuple(Made(stage=stage) for stage in STAGES[4:])
        HEARD[seed] = dataclasses.replace(heard, made=(*heard.made, *others))
    made = HEARD[seed].made
    twice = tuple(dataclasses.replace(one, round=2) for one in made) if order.rounds == 2 else ()
    return dataclasses.replace(HEARD[seed], made=(*made, *twice))


HEARD: dict[str, Heard] = {}


def test_a_hash_differs_with_the_hash_seed_only(
    team: Team, order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(team.folder / "code"))
    found = examine(
        order, Kitchen(code={"features.py": BY_HASH.encode()}), model="parcels", store=FakeStore(tmp_path), run=once
    )
    assert wrong(found) == [("another hash seed", "features")]
    assert "asks for a hash" in found.suspects[0]


def told(*, differs: str = "", with_threads: bool = False) -> dict[bool, Heard]:
    """Return what is said with the model's own and with another number of threads."""
    made = [Made(stage=stage, parts={"all": "1", "model.txt": "1"}) for stage in STAGES]
    twice = (*made, *(dataclasses.replace(one, round=2) for one in made))
    other = [dataclasses.replace(one, parts={"all": str(1 + (one.stage == differs)), "model.txt": "2"}) for one in made]
    return {False: Heard(about=None, made=twice), True: Heard(about=None, made=tuple(other))}


@pytest.mark.parametrize(("differs", "expected"), [("", []), ("model", [("another number of threads", "model")])])
def test_with_other_threads_only_the_text_may_differ(
    order: Order, tmp_path: Path, differs: str, expected: list[tuple[str, str]]
) -> None:
    heard = told(differs=differs)
    found = examine(
        order, Kitchen(code={"features.py": b""}), model="parcels", store=FakeStore(tmp_path),
        run=lambda order, *_, **__: heard[order.threads is not None],
    )  # fmt: skip
    assert wrong(found) == expected
    assert found.deterministic is (not expected)
    assert ("the same every time" in next(diagnosis_lines(found))) is True
    assert expected == [] or "nothing in the features module looks like the cause" in "\n".join(diagnosis_lines(found))


@pytest.mark.parametrize(
    ("heard", "error"),
    [
        (Heard(about=None, made=(Made(stage="source", failure="the source is gone"),)), DataInvalid),
        (Heard(about=None, made=(), ended="the fresh process ended with 9"), Unavailable),
        (Heard(about=None, made=()), Unavailable),
    ],
)
def test_what_fails_is_said(order: Order, tmp_path: Path, heard: Heard, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"parcels: .*(gone|ended with 9|said nothing)"):
        examine(
            order,
            Kitchen(code={"features.py": b""}),
            model="parcels",
            store=FakeStore(tmp_path),
            run=lambda *_, **__: heard,
        )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x = {1, 2}", "goes through a set"),
        ("x = {y for y in z}", "goes through a set"),
        ("x = set(z)", "goes through a set"),
        ("x = hash(z)", "asks for a hash"),
        ("x = datetime.datetime.now()", "asks for the time"),
        ("x = time.monotonic()", "asks for the time"),
        ("x = np.random.default_rng()", "without a seed"),
        ("x = os.urandom(3)", "draws random numbers"),
        ("x = frame.sample(3)", "draws rows"),
        ("x = np.random.default_rng(7)", ""),
        ("x = np.sort(z)", ""),
        ("x = len(z)", ""),
        ("x = (", ""),
    ],
)
def test_suspicious_calls_are_named_with_their_line(line: str, why: str) -> None:
    found = suspects(f"import os\n{line}\n".encode(), "team.features")
    assert len(found) == bool(why)
    assert not why or (found[0].startswith("team.features: line 2 ") and why in found[0])
