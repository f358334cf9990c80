"""A tuned version is made again with the parameters that its study chose; nothing is searched again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from ml_platform.core.reproduction import Kind, StageState
from ml_platform.stages.differences import NOTHING, tuning_differences
from ml_platform.stages.rebuild import Made, Order
from ml_platform.stages.rebuild_process import Heard
from ml_platform.stages.reproduce import Way, read_version, reproduce
from ml_platform.stages.stage_parts import STAGES
from ml_platform_tests.cli.conftest import runner
from ml_platform_tests.stages.made_again import (
    Released,
    again,
    cook_here,
    found_team,
    make_version,
    released_by,
)

END = "  policy:\n"
SECTION = "  tuning: {trials: 2, folds: 2, seed: 11, space: {num_leaves: {low: 3, high: 15}}}\n"
TUNED = (END, SECTION + END)
OTHER = (END, SECTION.replace("high: 15", "high: 31") + END)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Released]:
    with released_by(found_team(tmp_path_factory.mktemp("tuned")), tracking, TUNED) as found:
        yield found


def test_it_is_identical_and_what_was_chosen_is_said(world: Released) -> None:
    found = again(world.platform, world.version, Way(present=world.team.present(TUNED)))
    assert found.identical
    assert found.notes == ()
    model = read_version(world.platform.store, world.platform.ledger, world.version).recipe.ingredients.model
    assert model.tuning_digest[:12] in found.stages[4].note
    assert found.stages[4].note.endswith("; nothing is searched again")
    assert not any(one.note for one in found.stages if one.stage != "model")


def test_a_study_that_chose_the_files_own_parameters_is_said_too(world: Released) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    made = kept.recipe.ingredients
    own = dataclasses.replace(made, model=dataclasses.replace(made.model, tuned={}))
    as_it_was = dataclasses.replace(kept, recipe=dataclasses.replace(kept.recipe, ingredients=own))
    found = reproduce(as_it_was, Way(), store=world.platform.store, run=cook_here)
    assert "chose: the model file's own parameters;" in found.stages[4].note


def test_another_search_changes_nothing_that_is_made(world: Released) -> None:
    found = again(world.platform, world.version, Way(present=world.team.present(OTHER), with_present=True))
    assert found.identical
    assert [one.text for one in found.notes] == ["tuning.space.num_leaves.high: 15 recorded, 31 now"]


def test_a_study_that_was_given_up_is_the_first_difference(world: Released) -> None:
    fewer = ("num_leaves: 7", "num_leaves: 5")
    found = again(world.platform, world.version, Way(present=world.team.present(fewer), with_present=True))
    assert found.first is not None
    assert found.first.stage == "model"
    assert "tuning: a study recorded, none now" in [one.text for one in found.reasons]
    assert {one.kind for one in found.reasons} == {Kind.PARAMETERS}


def test_a_study_that_the_file_asks_for_since_is_named_and_not_run(world: Released) -> None:
    untuned = make_version(world.team, world.platform)
    found = again(world.platform, untuned, Way(present=world.team.present(TUNED), with_present=True))
    assert found.first is not None
    assert (found.first.stage, found.first.state) == ("model", StageState.FAILED)
    assert "tune first" in found.first.note
    assert [one.text for one in found.reasons] == ["tuning: not recorded, a study now"]


def test_only_a_study_that_began_or_ended_can_be_a_reason() -> None:
    assert list(tuning_differences(None, None)) == []
    assert [one.since for one in tuning_differences({"trials": 2}, {"trials": 3})] == [NOTHING]
    assert [one.since for one in tuning_differences(None, {"trials": 3})] == ["model"]


def test_the_doctor_searches_nothing(
    world: Released, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(world.team.folder / "defs"))
    monkeypatch.setenv("ML_PLATFORM_HOME", str(world.team.folder / "home"))
    ordered: list[Order] = []

    def listening(order: Order, *_: object, **__: object) -> Heard:
        ordered.append(order)
        twice = [Made(stage=stage, round=count) for count in (1, 2) for stage in STAGES]
        return Heard(about=None, made=tuple(twice))

    monkeypatch.setattr("ml_platform.stages.doctor.run_rebuild", listening)
    world.team.load(TUNED)
    said = runner(capsys)("doctor", "parcels")
    assert said.code == 0, said.out + said.err
    assert said.out.startswith("parcels: the same every time")
    assert {one.spec.get("tuning") for one in ordered} == {None}
