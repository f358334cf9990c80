"""A version whose features share a module is made again from what was kept, also when the team's folder is gone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.reproduction import Kind
from ml_platform.stages import reproduce as reproducing
from ml_platform.stages.features_module import code_files, load_named
from ml_platform.stages.platform_code import platform_files
from ml_platform.stages.rebuild import Order
from ml_platform.stages.rebuild_process import Kitchen
from ml_platform.stages.reproduce import Way, read_version
from ml_platform_tests.cli.conftest import runner
from ml_platform_tests.stages.made_again import (
    FEATURES,
    RULES,
    Released,
    again,
    cook_here,
    found_team,
    imports_of,
    released_by,
)

SHARED = "parcels_team.rules.heavy"
RULE = "from parcel_rules import HEAVY\n\n\ndef heavy(weight):\n    return (weight > HEAVY) * 1.0\n"
SHARING = FEATURES.replace(f"from {RULES} import HEAVY", f"from {SHARED} import heavy").replace(
    '(columns["weight"] > HEAVY) * 1.0', 'heavy(columns["weight"])'
)


@dataclass(frozen=True)
class Sharing(Released):
    @property
    def rule(self) -> Path:
        return self.team.features.parent / "rules" / "heavy.py"

    @property
    def recipe(self) -> Path:
        kept = self.platform.ledger.last("recipe_kept", subject=f"parcels/{self.version.candidate.digest}")
        assert kept is not None
        return self.team.folder / "home" / "recipes" / str(kept.payload["recipe"])


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Sharing]:
    team = found_team(tmp_path_factory.mktemp("sharing"))
    team.features.write_text(SHARING)
    (team.features.parent / "rules").mkdir()
    (team.features.parent / "rules" / "heavy.py").write_text(RULE)
    with released_by(team, tracking) as made:
        yield Sharing(made.team, made.platform, made.version)


@pytest.fixture
def world(released: Sharing) -> Iterator[Sharing]:
    """Let a test change the shared module; afterwards it is as it was."""
    with imports_of(released.team):
        yield released
    released.rule.write_text(RULE)


def test_what_features_share_is_kept_with_the_recipe(world: Sharing) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    assert kept.code == {"features.py": SHARING.encode(), f"shared.{SHARED}.py": RULE.encode()}


def test_a_shared_module_that_changed_since_is_a_note_and_the_kept_one_runs(world: Sharing) -> None:
    world.rule.write_text(RULE.replace(">", "<"))
    found = again(world.platform, world.version, Way(present=world.team.present()))
    assert found.identical
    assert [one.text for one in found.notes] == [f"{SHARED}: line 5 is changed"]


def test_a_line_of_a_shared_module_is_the_first_difference(world: Sharing) -> None:
    world.rule.write_text(RULE.replace(">", "<"))
    found = again(world.platform, world.version, Way(present=world.team.present(), with_present=True))
    assert found.first is not None
    assert (found.first.stage, found.reasons[0].kind, found.reasons[0].text) == (
        "features", Kind.CODE, f"{SHARED}: line 5 is changed",
    )  # fmt: skip


def test_a_module_that_is_shared_no_longer_is_named(world: Sharing) -> None:
    world.team.features.write_text(FEATURES)
    try:
        found = again(world.platform, world.version, Way(present=world.team.present()))
    finally:
        world.team.features.write_text(SHARING)
    assert f"{SHARED}: recorded, not imported now" in [one.text for one in found.notes]


def test_a_shared_module_that_was_altered_in_the_recipe_is_refused(world: Sharing) -> None:
    path = world.recipe / f"shared.{SHARED}.py"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        with pytest.raises(DataInvalid, match="isn't what was sealed"):
            read_version(world.platform.store, world.platform.ledger, world.version)
    finally:
        path.write_bytes(before)


def test_a_version_is_identical_though_its_team_and_its_model_file_are_gone(
    world: Released, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = world.team.folder
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(folder / "defs"))
    monkeypatch.setenv("ML_PLATFORM_HOME", str(folder / "home"))
    monkeypatch.setattr(reproducing, "run_rebuild", cook_here)
    moved = {folder / "defs" / "parcels": folder / "gone", world.team.features.parent: folder / "team_gone"}
    for here, away in moved.items():
        here.rename(away)
    try:
        said = runner(capsys)("reproduce", "parcels/1", "--json")
    finally:
        for here, away in moved.items():
            away.rename(here)
    assert said.code == 0, said.out + said.err
    assert [one["state"] for one in json.loads(said.out)["stages"]] == ["identical"] * 6


ALONE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from ml_platform.core.scoring import shared_module
from ml_platform.stages.features_module import load_named
from ml_platform.stages.recorded_module import import_from
kept = Path(sys.argv[2])
import_from({shared_module(path.name) or sys.argv[3]: path for path in kept.iterdir()})
module = load_named(sys.argv[3], model="kept")
assert module.path == kept / "features.py" and all(path.parent == kept for path in module.shared.values())
print(module.digest)
"""


@pytest.mark.parametrize("model", ["flights_air_time", "flights_outcome"])
def test_a_shipped_sibling_runs_from_what_is_kept_where_no_shipped_model_is_installed(
    tmp_path: Path, model: str
) -> None:
    module = load_named(f"ml_platform.defs.{model}.features", model=model)
    kept, code = tmp_path / "kept", tmp_path / "code"
    kept.mkdir()
    for name, content in code_files(module).items():
        (kept / name).write_bytes(content)
    for name, content in platform_files().items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_bytes(content)
    assert not (code / "ml_platform" / "defs" / "flights").exists()
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(code), str(kept), module.name],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == module.digest, done.stderr


def test_a_stream_with_something_else_is_no_order(world: Sharing) -> None:
    kept = read_version(world.platform.store, world.platform.ledger, world.version)
    order = Order(spec=kept.recipe.spec)
    with pytest.raises(SystemExit, match=r"notes\.txt: it is no part of an order"):
        cook_here(order, Kitchen(code={"notes.txt": b""}), store=world.platform.store)
