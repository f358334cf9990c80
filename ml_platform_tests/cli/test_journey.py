"""A newcomer's first commands, each a process of its own: run, run again, promote, replay."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ml_platform_tests.cli.conftest import Said
from ml_platform_tests.orchestration.small_model import write_model

ROOT = Path(__file__).parents[2]
FULL = ("profile: fast", "profile: full")
LUCK = "How much of it is luck, and would more rows help?"


@dataclass(frozen=True)
class Project:
    """A folder with one small model, in which commands are called."""

    folder: Path
    tracking: str

    def call(self, *arguments: str) -> Said:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),  # the features of the small model belong to the tests
            "ML_PLATFORM_DEFS": str(self.folder / "defs"),
            "ML_PLATFORM_HOME": str(self.folder / "home"),
            "ML_PLATFORM_ACTOR": "robin",
            "MLFLOW_TRACKING_URI": self.tracking,
        }
        command = [sys.executable, "-m", "ml_platform.cli", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr + done.stdout
        return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Project:
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "dagster.yaml", folder)
    write_model(folder, FULL)
    return Project(folder, tracking)


@pytest.fixture(scope="module")
def released(project: Project) -> Said:
    return project.call("run", "parcels", "--fast")


# The tests below are one story and run in the order they are written.


def test_a_run_says_every_verdict_the_report_and_what_comes_next(released: Said) -> None:
    assert released.code == 0, released.err
    assert "auc_is_sufficient" in released.out
    assert "✓ parcels v1 released; live in staging" in released.out
    report = next(line for line in released.out.splitlines() if line.startswith("report: "))
    page = Path(report.removeprefix("report: "))
    assert LUCK not in page.read_text()
    assert "| evaluation | fast |" in page.with_suffix(".md").read_text()
    assert "promote parcels --env production" in released.out


def test_a_second_run_says_that_nothing_changed(project: Project, released: Said) -> None:
    again = project.call("run", "parcels", "--fast", "--junit", "gates.xml")
    assert again.code == 0, again.err
    suites = ET.parse(project.folder / "gates.xml").getroot()  # noqa: S314 - our own file
    assert suites.get("failures") == "0"
    assert int(suites.get("tests", "0")) > 25
    assert "✓ parcels v1 unchanged: " in again.out


def test_a_replay_needs_somebody_who_answers(project: Project, released: Said) -> None:
    refused = project.call("replay", "parcels", "--from", "2025-09", "--to", "2025-09")
    assert refused.code == 2
    assert "nothing is live in production" in refused.err


def test_a_replay_sends_real_rows_and_tells_what_the_month_showed(project: Project, released: Said) -> None:
    promoted = project.call("promote", "parcels", "--env", "production", "--reason", "first")
    assert promoted.code == 0, promoted.err
    replayed = project.call("replay", "parcels", "--from", "2025-09", "--to", "2025-09", "--rows", "100")
    assert replayed.code == 0, replayed.err
    assert "sensor: no retraining" in replayed.out
    assert "The replay of parcels:\n  2025-09  live AUC" in replayed.out
    assert ", 0 not answered." in replayed.out


def test_a_refused_run_names_the_gate_and_ends_with_1(project: Project, released: Said) -> None:
    write_model(
        project.folder, FULL, ("packs: [base]", "packs: [base]\n    overrides:\n      auc_is_sufficient: {limit: 0.99}")
    )
    refused = project.call("run", "parcels")
    assert refused.code == 1
    assert "✗ failed     auc_is_sufficient" in refused.out
    assert "more_than_chance_is_learned" in refused.out
    page = next(line for line in refused.out.splitlines() if line.startswith("report: ")).removeprefix("report: ")
    assert LUCK in Path(page).read_text()
    assert "parcels was not released" in refused.err
    assert "auc_is_sufficient" in refused.err
