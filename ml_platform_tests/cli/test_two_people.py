"""Release, approval by somebody else, production, controls, rollback: on the command line, with every real part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import ml_platform
from ml_platform_tests.cli.conftest import Run, runner
from ml_platform_tests.orchestration.small_model import write_model

ROOT = Path(ml_platform.__file__).parents[1]
TWO_PEOPLE = """\
pack: two_people
description: Somebody else than the author has to agree.
extends: [base]
approvals: {production: 1}
"""
# So few rows can't prove that a candidate is no worse than what is live.
CHOICE = """packs: [two_people]
    waivers:
      - {gate: no_worse_than_champion, owner: Parcels team, reason: Too few rows to tell., expires: 2099-12-31}"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "dagster.yaml", folder)
    write_model(folder, ("packs: [base]", CHOICE))
    (folder / "defs" / "packs").mkdir()
    (folder / "defs" / "packs" / "two_people.yaml").write_text(TWO_PEOPLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ML_PLATFORM_HOME", str(folder / "home"))
        patch.setenv("ML_PLATFORM_DEFS", str(folder / "defs"))
        patch.setenv("ML_PLATFORM_ACTOR", "robin")
        patch.setenv("MLFLOW_TRACKING_URI", tracking)
        yield folder


@pytest.fixture
def run(project: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(capfd)


# The tests below are one story and run in the order they are written.


def test_production_needs_somebody_else_and_is_verified_where_it_runs(run: Run) -> None:
    assert run("run", "parcels").code == 0
    promote = ("promote", "parcels", "--env", "production", "--reason", "first")
    assert run(*promote).code == 1
    assert run("approve", "parcels", "--env", "production", "--by", "robin").code == 1
    assert run("approve", "parcels", "--env", "production", "--by", "kim").code == 0
    said = run(*promote)
    assert said.code == 0, said.err
    assert "production_scores_are_equal" in said.out
    assert "parcels v1 is live in production (by robin: first)" in said.out
    assert "nothing changed" in run(*promote).out
    assert "live in production since" in run("show", "parcels@production").out


def test_controls_tell_what_was_enforced_in_production(run: Run) -> None:
    assert "✓ enforced        DEPLOY-GOVERNED" in run("controls", "parcels").out


def test_a_rollback_returns_to_the_first_version_and_bars_the_second(run: Run, project: Path) -> None:
    alone = run("rollback", "parcels", "--env", "production", "--reason", "it is bad")
    assert alone.code == 1
    assert "no earlier version" in alone.err
    path = project / "defs" / "parcels" / "defs.yaml"
    path.write_text(path.read_text().replace("seed: 7", "seed: 8"))
    assert run("run", "parcels").code == 0
    assert run("approve", "parcels/2", "--env", "production", "--by", "kim").code == 0
    second = run("promote", "parcels/2", "--env", "production", "--reason", "another seed")
    assert second.code == 0, second.err
    back = run("rollback", "parcels", "--env", "production", "--reason", "it answers nonsense")
    assert back.code == 0, back.err
    assert "parcels v1 is live in production" in back.out
    assert "v2 is barred" in back.out
    assert "it answers nonsense" in run("promote", "parcels/2", "--env", "production", "--reason", "again").err
    assert run("audit", "verify").code == 0
