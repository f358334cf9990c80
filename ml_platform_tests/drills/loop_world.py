"""The loop as it is lived: a released model, a service that answers all the time, outcomes, and Dagster's daemon."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd

from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.platform import open_platform
from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import WindowRecord
from ml_platform.orchestration.records import read_partitions
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.load import load_model
from ml_platform.serving.predictor import Predictor
from ml_platform.settings import load_settings
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stats.roc_auc import roc_auc
from ml_platform_tests.drills.daemon import make_impatient, wait_until
from ml_platform_tests.drills.load import Answer, Load
from ml_platform_tests.drills.loop_table import CALM, CHANGES, HARMED, INPUTS, RELEASED, bodies, month, table
from ml_platform_tests.flow.project import MODEL, Project, project_in, working_in

LOOP = "ml_platform_tests.drills.loop_definitions"
PER_SECOND = 8.0
PATIENCE_SECONDS = 900.0
OF_A_KILL = "deployment_taken_over"  # what was killed in the middle of a deployment leaves it to the next; rightly told
NEWEST = 200  # answers: what is proven with these isn't chance


def prepare(folder: Path) -> None:
    """Make a project in which a version was released, and served two months, the second of which it didn't know."""
    folder.mkdir()
    with project_in(folder, tracking=None) as project:
        project.write(*CHANGES, table=table())
        make_impatient(project, LOOP)
        said = project.call("run", MODEL)
        assert said.code == 0, said.out + said.err
        go_live()
        with project.serve("production") as port:
            for name in (CALM, HARMED):
                traffic = Traffic(project, port, month(name))
                with traffic.going_on():
                    wait_until(project, name, traffic.asked_for_all, seconds=PATIENCE_SECONDS)
                assert (traffic.load.refused, traffic.load.lost) == ([], 0)


def go_live() -> None:
    """Let the first version go live as of the day that its rows end."""
    settings = load_settings()
    assert settings.defs is not None
    file = load_model(settings.defs / MODEL / "defs.yaml", now=dt.datetime.now(tz=dt.UTC))
    with open_platform(settings) as platform:
        done = promote(
            file.policy, store=platform.store, ledger=platform.ledger, verifier=platform.signing, model=MODEL,
            version=1, environment="production", actor="robin", reason="a drill", now=RELEASED,
            conditions=frozenset(conditions_of(file.spec)),
        )  # fmt: skip
        assert isinstance(done, Promoted), done
        platform.project()


@contextlib.contextmanager
def copied(prepared: Path, folder: Path) -> Iterator[Project]:
    """Work in a copy of a prepared project."""
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("port"))  # that of the service that ended
    with working_in(folder, tracking=None) as project:
        yield project


@dataclass(slots=True)
class Traffic:
    """Requests for some rows in turn, and the outcomes that come for them."""

    project: Project
    port: int
    frame: pd.DataFrame
    per_second: float = float("inf")
    outcomes: list[float] = field(default_factory=list)
    load: Load = field(init=False)

    def __post_init__(self) -> None:
        """Make the requests."""
        self.load = Load(self.port, bodies(self.frame), per_second=self.per_second)

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Ask for as long as the block lasts; at its end every outcome has come."""
        with self.load.running():
            yield
        self.tell()

    def asked_for_all(self) -> bool:
        """Say whether each row was answered."""
        return {one.row for one in self.load.answers} == set(range(len(self.frame)))

    def tell(self) -> None:
        """Let the outcome of everything that was answered come."""
        answers = self.load.answers[len(self.outcomes) :]
        found = [float(self.frame["late"].iloc[one.row]) for one in answers]
        known = dt.datetime.now(tz=dt.UTC)
        LabelStore(self.project.home).append(
            MODEL, [(one.identity, outcome, known) for one, outcome in zip(answers, found, strict=True)]
        )  # fmt: skip
        self.outcomes += found

    def turn(self) -> None:
        """Let the opposite come true from now on, of the same rows."""
        self.tell()
        self.frame = self.frame.assign(late=~self.frame["late"])

    def until(self, what: str, true: Callable[[], bool]) -> None:
        """Go on until something is true, while outcomes come."""

        def told() -> bool:
            assert not self.load.refused, self.load.refused[:3]
            assert not self.load.lost, f"{self.load.lost} connections ended before their answer"
            self.tell()
            return true()

        wait_until(self.project, what, told, seconds=PATIENCE_SECONDS)

    def answered_by(self, version: int) -> Callable[[], bool]:
        """Return what says that the newest answers are a version's."""
        return lambda: {one.version for one in self.load.answers[-NEWEST:]} == {version}

    def recent_auc(self) -> float:
        """Return how well the newest answers with an outcome ranked."""
        self.tell()
        answers = self.load.answers[len(self.outcomes) - NEWEST : len(self.outcomes)]
        found = roc_auc(np.array(self.outcomes[-NEWEST:]), np.array([one.score for one in answers]))
        assert found.value is not None
        return found.value


def wrong(project: Project, traffic: Traffic) -> list[Answer]:
    """Return the answers that aren't what their version answers to their row."""
    asked = [dict(zip(INPUTS, row, strict=True)) for row in traffic.frame[list(INPUTS)].itertuples(index=False)]
    with open_platform(load_settings()) as platform:
        right = {
            one.version: Predictor.load(platform.store, one.candidate.model_digest).score_rows(asked)
            for one in platform.ledger.releases(MODEL)
        }
    assert project.home.exists()
    return [one for one in traffic.load.answers if one.score != right[one.version][one.row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndState:
    """What the loop has led to, as far as it must not depend on who was killed when."""

    models: tuple[tuple[int, str], ...]
    live: tuple[tuple[int, str], ...]  # production's history: the version and by whom
    barred: tuple[int, ...]
    windows: tuple[tuple[str, str, int, int], ...]  # name, digest, predictions, outcomes
    verdicts: tuple[tuple[str, str], ...]  # of the window that was judged last
    causes: int  # of retraining
    audit: tuple[tuple[str, int], ...]


def end_state(project: Project) -> EndState:
    """Return what there is now."""
    with open_platform(load_settings()) as platform:
        ledger = platform.ledger
        windows = read_partitions(platform.home, (MODEL, "traffic"), WindowRecord)
        judged = ledger.latest_part(MODEL, "monitoring")
        requests = ledger.all_of("retraining.requested", subject=MODEL)
        assert ledger.problems() == ()
        return EndState(
            models=tuple((one.version, one.candidate.model_digest) for one in ledger.releases(MODEL)),
            live=tuple((one.version, one.actor) for one in ledger.history(MODEL, "production")),
            barred=tuple(ledger.barred(MODEL)),
            windows=tuple((one.window, one.digest, one.predictions, one.labelled) for one in windows),
            verdicts=tuple((one.gate, one.outcome.value) for one in judged.verdicts) if judged else (),
            causes=len({str(one.payload["cause"]) for one in requests}),
            audit=tuple(sorted(Counter(one.action for one in ledger.audit() if _of_the_loop(one)).items())),
        )


def _of_the_loop(entry: AuditEntry) -> bool:
    """Say whether an entry has to be there whoever is killed: not what tells of a kill, or how the machine is."""
    return entry.action != OF_A_KILL and entry.subject != f"{MODEL}/health"


def asked_for(project: Project, job: str) -> Counter[str]:
    """Count how often what was asked for was done, by run key: a run that was killed and its repetitions are one."""
    return Counter(
        key for key, _ in {(one.tags["dagster/run_key"], one.root_run_id or one.run_id) for one in runs(project, job)}
    )


def runs(project: Project, job: str) -> list[dg.DagsterRun]:
    """Return the runs of a job, newest first."""
    with dg.DagsterInstance.from_config(str(project.folder)) as instance:
        return list(instance.get_runs(dg.RunsFilter(job_name=job)))


def succeeded(project: Project, job: str) -> bool:
    """Say whether the newest run of a job has succeeded."""
    found = runs(project, job)
    return bool(found) and found[0].status is dg.DagsterRunStatus.SUCCESS
