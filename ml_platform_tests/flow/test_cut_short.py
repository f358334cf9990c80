"""A run that is cut short - by a full disk, Ctrl-C or kill -9 - leaves nothing half-written, and the next one works."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.settings import load_settings
from ml_platform.stages.platform_code import keep_platform
from ml_platform_tests.flow.project import MODEL, Project, project_in

INTERRUPTED = "Interrupted. Nothing was half-written; the same command can be run again."
# The second lies between Dagster's history and MLflow's new database, which both are as large as their tables.
DAGSTER_IS_FULL, MLFLOW_IS_FULL = 100_000, 920_000


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose MLflow database isn't made yet: making it is what can be cut short."""
    with project_in(tmp_path_factory.mktemp("cut_short"), tracking=None) as found:
        yield found


# The tests below are one story and run in the order they are written.


def test_a_disk_without_room_for_the_history_is_said_to_be_full(project: Project) -> None:
    said = project.call("run", MODEL, most_bytes=DAGSTER_IS_FULL)
    assert said.code == 2
    assert "the database that it names for Dagster's history can't be used (disk I/O error)" in said.err
    assert "free space" in said.err


def test_a_disk_without_room_for_the_tracking_is_said_to_be_full(project: Project) -> None:
    with open_platform(
        load_settings()
    ) as platform:  # however large the code is, it isn't what the disk is too small for
        keep_platform(platform.store)
    said = project.call("run", MODEL, most_bytes=MLFLOW_IS_FULL)
    assert said.code == 2
    assert "a training run can't be written ((sqlite3.OperationalError) disk I/O error)" in said.err
    assert project.releases() == ()
    assert [path.suffix for path in project.half_written()] == [".making"]  # the next run makes it anew


def test_a_killed_run_releases_nothing(project: Project) -> None:
    said = project.run_and_signal(signal.SIGKILL, at="release")
    assert said.code == -signal.SIGKILL
    assert project.live("staging") is None


def test_ctrl_c_ends_in_one_line(project: Project) -> None:
    said = project.run_and_signal(signal.SIGINT, at="staging")
    assert (said.code, said.err.strip()) == (130, INTERRUPTED)
    assert project.half_written() == []


def test_after_all_of_it_the_next_run_releases_version_one(project: Project) -> None:
    said = project.call("run", MODEL)
    assert said.code == 0, said.err
    assert "✓ parcels v1 " in said.out
    assert [release.version for release in project.releases()] == [1]
    assert project.ask("audit", "verify").code == 0


def test_dagsters_own_command_says_why_the_lock_stays_closed(project: Project) -> None:
    project.write(("packs: [base]", "packs: [base]\n    overrides: {auc_is_sufficient: {limit: 0.7}}"))
    said = project.call("dagster", "job", "execute", "-m", "ml_platform.definitions", "-j", f"{MODEL}_promote")
    assert said.code == 1
    assert "parcels: v1 is NOT live in production, the lock stays closed" in said.err
    assert project.live("production") is None
