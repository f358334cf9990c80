"""A version is made again to the bit; the first difference is named, by stage and by what it is in."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import resource
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ml_platform.core.digest import digest_of_bytes
from ml_platform.core.errors import DataInvalid, NotEnoughEvidence, Unavailable
from ml_platform.core.measurement import Measurement
from ml_platform.core.reproduction import Kind, Reproduction, StageState
from ml_platform.core.scoring import artefact_digest
from ml_platform.core.verdict import Outcome
from ml_platform.policy.judge import judge
from ml_platform.stages import reproduce as reproducing
from ml_platform.stages.platform_code import files_digest
from ml_platform.stages.rebuild import About, Bench, Made, Order, rebuild
from ml_platform.stages.rebuild_process import Heard, Kitchen, run_rebuild
from ml_platform.stages.rebuildable import look_over, measure_rebuildable
from ml_platform.stages.recipe import Recipe, read_recipe
from ml_platform.stages.reproduce import Kept, Way, read_version, reproduce
from ml_platform.stages.stage_parts import STAGES
from ml_platform_tests.cli.conftest import Run, runner
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.orchestration.small_model import NOW
from ml_platform_tests.stages.made_again import (
    FEATURES,
    Released,
    again,
    cook_here,
    found_team,
    imports_of,
    make_version,
    register,
    released_by,
)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Released]:
    with released_by(found_team(tmp_path_factory.mktemp("team")), tracking) as found:
        yield found


@pytest.fixture
def world(released: Released) -> Iterator[Released]:
    """Let a test change the table, the code and what is installed; afterwards all is as it was."""
    table = released.team.table.read_bytes()
    with imports_of(released.team):
        yield released
    released.team.table.write_bytes(table)
    released.team.features.write_text(FEATURES)
    released.team.install("1.0", 35)


def first(found: Reproduction) -> tuple[str, Kind, str]:
    """Return where a reproduction differs first, in what, and how that is said."""
    assert found.first is not None
    return found.first.stage, found.reasons[0].kind, found.reasons[0].text


def contents(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def ask(world: Released, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    folder = world.team.folder
    for name, value in {
        "ML_PLATFORM_DEFS": folder / "defs", "ML_PLATFORM_HOME": folder / "home", "PYTHONPATH": folder / "code",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    return runner(capsys)


def test_a_version_is_identical_in_a_fresh_process_and_nothing_is_written(world: Released, ask: Run) -> None:
    before = contents(world.team.folder / "home")
    said = ask("reproduce", "parcels/1", "--json")
    assert said.code == 0, said.out + said.err
    found = json.loads(said.out)
    assert [one["state"] for one in found["stages"]] == ["identical"] * 6
    assert (found["version"], found["reasons"], found["notes"]) == (1, [], [])
    assert contents(world.team.folder / "home") == before


def test_a_difference_is_said_with_its_reason_and_ends_with_1(
    world: Released, ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    monkeypatch.setattr(reproducing, "run_rebuild", lambda *_, **__: odd_trees(kept, cpu="Other CPU"))
    said = ask("reproduce", "parcels/1")
    assert said.code == 1
    assert said.out.startswith("parcels v1: differs first at model (hardware)\n")
    assert "because of hardware: processor: " in said.out
    assert "evaluation  not reached" in said.out


def test_one_byte_of_the_source_is_the_first_difference(world: Released) -> None:
    text = world.team.table.read_text()
    world.team.table.write_text(text.replace("north", "south", 1))
    found = again(world.platform, world.version)
    assert found.identical
    assert (found.stages[0].state, found.stages[1].state) == (StageState.STORED, StageState.IDENTICAL)
    assert "table parcels changed since: the stored snapshot stands in" in found.stages[0].note
    assert found.notes[0].kind is Kind.DATA
    now = again(world.platform, world.version, Way(present=world.team.present(), with_present=True))
    assert first(now)[:2] == ("source", Kind.DATA)
    assert "table parcels" in first(now)[2]
    assert now.stages[1].state is StageState.NOT_REACHED


def test_a_source_that_is_gone_is_replaced_by_the_stored_snapshot(world: Released) -> None:
    present = world.team.present()
    world.team.table.unlink()
    found = again(world.platform, world.version)
    assert found.identical
    assert "can't be read any more" in found.stages[0].note
    now = again(world.platform, world.version, Way(present=present, with_present=True))
    assert first(now) == ("source", Kind.DATA, "the source can't be read")
    assert "parcels.csv" in now.stages[0].note


def test_one_parameter_is_the_first_difference(world: Released) -> None:
    changed = world.team.present(("rounds: 30", "rounds: 31"))
    found = again(world.platform, world.version, Way(present=changed, with_present=True))
    assert first(found) == ("model", Kind.PARAMETERS, "learner.rounds: 30 recorded, 31 now")
    assert [one.state for one in found.stages[:4]] == [StageState.IDENTICAL] * 4
    assert "trees" in found.stages[4].parts


def test_a_reweighed_version_is_made_again_and_by_what_it_is_reweighed_is_a_parameter(world: Released) -> None:
    version = make_version(world.team, world.platform, ("rounds: 30", "rounds: 30\n    reweigh: [region]"))
    assert version.candidate.model_digest != world.version.candidate.model_digest
    assert again(world.platform, version).identical
    found = again(world.platform, version, Way(present=world.team.present(), with_present=True))
    assert first(found) == ("model", Kind.PARAMETERS, "learner.reweigh: ['region'] recorded, nothing now")


def test_a_full_evaluation_is_made_again_whatever_the_model_file_says_now(world: Released) -> None:
    full = ("profile: fast", "profile: full")
    version = make_version(world.team, world.platform, full)
    assert version.candidate.model_digest == world.version.candidate.model_digest
    assert version.candidate.evaluation_digest != world.version.candidate.evaluation_digest
    assert again(world.platform, version, Way(present=world.team.present())).identical
    found = again(world.platform, version, Way(present=world.team.present(), with_present=True))
    assert first(found)[:2] == ("evaluation", Kind.PARAMETERS)
    assert first(found)[2] == "evaluation.profile: full recorded, fast now"


def test_one_line_of_code_is_the_first_difference(world: Released) -> None:
    world.team.features.write_text(FEATURES.replace("> HEAVY", ">= HEAVY"))
    found = again(world.platform, world.version, Way(present=world.team.present(), with_present=True))
    assert first(found) == ("features", Kind.CODE, "parcels_team.parcel_features: line 7 is changed")
    recorded = again(world.platform, world.version, Way(present=world.team.present()))
    assert recorded.identical
    assert [one.text for one in recorded.notes] == ["parcels_team.parcel_features: line 7 is changed"]


def test_one_package_is_the_first_difference_and_a_note_when_it_changes_nothing(world: Released) -> None:
    world.team.install("1.1", 36)
    assert first(again(world.platform, world.version)) == (
        "features", Kind.ENVIRONMENT, "package parcel_rules: 1.0 recorded, 1.1 now",
    )  # fmt: skip
    world.team.install("1.2", 35)
    found = again(world.platform, world.version)
    assert found.identical
    assert [one.text for one in found.notes] == ["package parcel_rules: 1.0 recorded, 1.2 now"]


def test_a_version_is_compared_with_the_champion_of_its_time(world: Released) -> None:
    challenger = make_version(world.team, world.platform, champion=world.version)
    assert challenger.candidate.evaluation_digest != world.version.candidate.evaluation_digest
    kept = read_version(world.platform.store, world.platform.ledger, challenger)
    assert kept.recipe.champion == world.version
    assert again(world.platform, challenger).identical


def odd_trees(kept: Kept, *, cpu: str) -> Heard:
    """Return what a process would say in which only the trees come out otherwise."""
    conditions = kept.recipe.ingredients.model.conditions
    about = About(
        environment=kept.environment, cpu=cpu, system=conditions.system, waiting=conditions.waiting,
        platform_digest=conditions.platform_digest,
    )  # fmt: skip
    made = [Made(stage=stage, parts=kept.recipe.parts[stage]) for stage in STAGES[:5]]
    made[4] = Made(stage="model", parts={**made[4].parts, "trees": "other"})
    return Heard(about=about, made=tuple(made))


@pytest.mark.parametrize(("cpu", "kind"), [("Other CPU", Kind.HARDWARE), ("", Kind.UNKNOWN)])
def test_another_processor_is_named_where_nothing_else_differs(world: Released, cpu: str, kind: Kind) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    heard = odd_trees(kept, cpu=cpu or kept.recipe.ingredients.model.conditions.cpu)
    found = reproduce(kept, Way(), store=world.platform.store, run=lambda *_, **__: heard)
    assert first(found)[:2] == ("model", kind)
    assert found.stages[5].state is StageState.NOT_REACHED
    assert kind is Kind.HARDWARE or "`ml-platform doctor parcels`" in first(found)[2]


def test_a_process_that_ends_early_is_said_with_the_stages_that_it_made(world: Released) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    order = Order(spec=kept.recipe.spec, source="stored", snapshot=kept.recipe.ingredients.snapshot)
    snapshot = (("snapshots", kept.recipe.ingredients.snapshot.digest),)
    heard = run_rebuild(
        order,
        Kitchen(code={"features.py": b"import os\nos._exit(9)\n"}, artefacts=snapshot),
        store=world.platform.store,
        wall_seconds=60,
    )
    assert "ended with 9" in heard.ended
    assert [one.stage for one in heard.made] == ["source", "snapshot", "split"]


def test_a_process_that_cannot_start_or_hangs_is_said(world: Released, tmp_path: Path) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    order, store = Order(spec=kept.recipe.spec, source="stored"), world.platform.store
    nowhere = Kitchen(code={"features.py": b""}, python=str(tmp_path / "python"))
    assert "couldn't be started" in run_rebuild(order, nowhere, store=store).ended
    asleep = tmp_path / "asleep"
    asleep.write_text("#!/bin/sh\nexec sleep 60\n")
    asleep.chmod(0o700)
    sleeping = Kitchen(code={"features.py": b""}, python=str(asleep))
    assert "took longer than 0.2 s" in run_rebuild(order, sleeping, store=store, wall_seconds=0.2).ended
    with pytest.raises(Unavailable, match="has to start with the recorded code"):
        reproduce(kept, Way(python=str(tmp_path / "python")), store=store)


def test_a_full_disk_is_no_difference(world: Released, ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    full = Made(stage="model", failure="models: can't be written (No space left on device); free space", hindered=True)
    heard = odd_trees(kept, cpu="")
    heard = dataclasses.replace(heard, made=(*heard.made[:4], full))
    monkeypatch.setattr(reproducing, "run_rebuild", lambda *_, **__: heard)
    said = ask("reproduce", "parcels/1")
    assert said.code == 2
    assert "parcels v1: model: models: can't be written (No space left on device); free space" in said.err
    assert said.out == ""


def test_what_hinders_a_stage_is_told_from_what_is_wrong_with_it(world: Released, tmp_path: Path) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    order = Order(spec=kept.recipe.spec, source="stored", snapshot=kept.recipe.ingredients.snapshot)
    made = list(rebuild(order, Bench(store=FakeStore(tmp_path), root=tmp_path, now=NOW)))
    assert [(one.stage, one.hindered) for one in made] == [("source", False), ("snapshot", True)]
    unstored = list(
        rebuild(dataclasses.replace(order, snapshot=None), Bench(store=FakeStore(tmp_path), root=tmp_path, now=NOW))
    )
    assert [(one.stage, one.hindered) for one in unstored] == [("source", False), ("snapshot", False)]


def test_no_room_for_what_is_handed_over_is_said_and_nothing_is_left(
    world: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with small_disk(10_000), pytest.raises(SystemExit, match=r"can't be written \(File too large\)"):
        reproduce(kept, Way(), store=world.platform.store, run=cook_here)
    other = dataclasses.replace(kept, platform={"ml_platform/stages/large.py": b"#" * 20_000})
    with small_disk(10_000), pytest.raises(Unavailable, match=r"can't be written \(File too large\).*TMPDIR"):
        reproduce(other, Way(python="python"), store=world.platform.store)
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def small_disk(most_bytes: int) -> Iterator[None]:
    """Let no file outgrow this size for a while."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_lock_that_does_not_resolve_ends_with_2(
    world: Released, ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n[ \"$1\" = venv ] && exit 0\necho 'no version of lightgbm fits' >&2\nexit 1\n")
    uv.chmod(0o700)
    monkeypatch.setattr("ml_platform.stages.fresh_environment._uv", lambda _: str(uv))
    said = ask("reproduce", "parcels/1", "--fresh-environment")
    assert said.code == 2
    assert "can't be installed (no version of lightgbm fits)" in said.err
    assert list((world.team.folder / "home" / "fresh_environments").iterdir()) == []


def test_one_line_of_the_platform_is_the_first_difference(world: Released) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    path = "ml_platform/stages/train.py"
    platform = {**kept.platform, path: b"# another line\n" + kept.platform[path]}
    model = kept.recipe.ingredients.model
    conditions = dataclasses.replace(model.conditions, platform_digest=files_digest(platform))
    made = dataclasses.replace(kept.recipe.ingredients, model=dataclasses.replace(model, conditions=conditions))
    other = dataclasses.replace(kept, platform=platform, recipe=dataclasses.replace(kept.recipe, ingredients=made))
    heard = odd_trees(other, cpu=conditions.cpu)
    way = Way(present=world.team.present(), with_present=True)
    found = reproduce(other, way, store=world.platform.store, run=lambda *_, **__: heard)
    assert first(found) == ("model", Kind.CODE, f"{path}: line 1 is gone")


def test_a_version_without_a_recipe_is_not_recorded(world: Released) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    made = kept.recipe.ingredients
    other = dataclasses.replace(made, source=dataclasses.replace(made.source, digest="7" * 64))
    with pytest.raises(NotEnoughEvidence, match="not recorded"):
        read_version(world.platform.store, world.platform.ledger, register(world.platform, other))


def test_a_recipe_that_was_altered_is_refused(world: Released) -> None:
    kept = world.platform.ledger.last("recipe_kept", subject=f"parcels/{world.version.candidate.digest}")
    assert kept is not None
    path = world.team.folder / "home" / "recipes" / str(kept.payload["recipe"]) / "features.py"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        with pytest.raises(DataInvalid, match="isn't what was sealed"):
            read_version(world.platform.store, world.platform.ledger, world.version)
    finally:
        path.write_bytes(before)


@contextlib.contextmanager
def gone(path: Path) -> Iterator[None]:
    """Take a file or folder away for a while."""
    aside = path.with_name(f"{path.name}-aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


def recipe_digest(world: Released) -> str:
    kept = world.platform.ledger.last("recipe_kept", subject=f"parcels/{world.version.candidate.digest}")
    assert kept is not None
    return str(kept.payload["recipe"])


def kept_again(world: Released, recipe: Recipe) -> str:
    """Keep a changed recipe and return its digest."""
    files = {"recipe.json": msgspec.json.encode(recipe), "features.py": b""}
    digest = artefact_digest({name: digest_of_bytes(content) for name, content in files.items()})
    world.platform.store.put("recipes", digest, files)
    return digest


def test_a_version_with_every_ingredient_can_be_rebuilt(world: Released) -> None:
    found = look_over(world.platform.store, recipe_digest(world))
    assert (found.metric, found.value, found.n) == ("rebuildable", 1.0, 5)
    assert found.facts == {"recipe": recipe_digest(world)}


@pytest.mark.parametrize("kind", ["platforms", "environments", "snapshots", "models", "recipes"])
def test_a_version_that_lacks_an_ingredient_cannot_be_rebuilt(world: Released, kind: str) -> None:
    with gone(world.team.folder / "home" / kind):
        found = look_over(world.platform.store, recipe_digest(world))
    assert found.value == 0.0
    assert kind in str(found.facts["flaws"])


def test_an_ingredient_that_was_never_recorded_cannot_be_used(world: Released) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version).recipe
    made = kept.ingredients
    unsaid = dataclasses.replace(made.model.conditions, waiting="", platform_digest="")
    rival = dataclasses.replace(made.evaluation, champion_digest="c" * 64)
    other = dataclasses.replace(made, model=dataclasses.replace(made.model, conditions=unsaid), evaluation=rival)
    found = look_over(world.platform.store, kept_again(world, dataclasses.replace(kept, ingredients=other)))
    assert found.value == 0.0
    flaws = str(found.facts["flaws"])
    assert "platform_digest, waiting of its training aren't recorded" in flaws
    assert "the platform's code isn't recorded" in flaws
    assert "the champion cccccccccccc that it was compared with isn't recorded" in flaws


def test_a_recipe_of_another_kind_is_refused(world: Released) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version).recipe
    newer = kept_again(world, dataclasses.replace(kept, schema_version=2))
    with pytest.raises(DataInvalid, match="schema version 2, known: 1"):
        read_recipe(world.platform.store, newer)
    world.platform.store.put("recipes", "d" * 64, {"recipe.json": b"{}"})
    with pytest.raises(DataInvalid, match="aren't those that were kept"):
        read_recipe(world.platform.store, "d" * 64)
    digest = artefact_digest({"recipe.json": digest_of_bytes(b"{}")})
    world.platform.store.put("recipes", digest, {"recipe.json": b"{}"})
    with pytest.raises(DataInvalid, match="can't read it"):
        read_recipe(world.platform.store, digest)


def test_a_recipe_that_cannot_be_kept_closes_the_release(world: Released) -> None:
    made = read_version(world.platform.store, world.platform.ledger, world.version).recipe.ingredients
    lost = dataclasses.replace(made, evaluation=dataclasses.replace(made.evaluation, digest="e" * 64))
    found = measure_rebuildable(
        world.team.load().spec, world.platform.store, world.platform.ledger, lost, actor="robin", now=NOW
    )
    assert (found.value, found.n) == (0.0, 0)
    assert "the recipe can't be kept" in str(found.facts["flaws"])


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(1.0, Outcome.PASSED), (0.0, Outcome.FAILED), (float("nan"), Outcome.UNDECIDED), (None, Outcome.UNDECIDED)],
)
def test_only_a_version_that_can_be_rebuilt_is_released(world: Released, value: float | None, outcome: Outcome) -> None:
    policy = world.team.load().policy
    measured = [Measurement(metric="rebuildable", value=value, n=5)]
    verdicts = judge(policy, "release", measured, conditions=frozenset({"always"}), now=NOW)
    (verdict,) = [one for one in verdicts if one.gate == "version_can_be_rebuilt"]
    assert verdict.outcome is outcome
    assert verdict.closes is (outcome is not Outcome.PASSED)
    unmeasured = judge(policy, "release", [], conditions=frozenset({"always"}), now=NOW)
    assert next(one for one in unmeasured if one.gate == "version_can_be_rebuilt").outcome is Outcome.UNDECIDED
