"""What MLflow's own client writes to what the platform shows is found, undone and audited; what is live stays so."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ml_platform.adapters import mlflow_rows
from ml_platform.adapters.mlflow_registry import MlflowRegistry
from ml_platform.adapters.mlflow_tracking import MlflowTracker
from ml_platform.core.errors import Unavailable
from ml_platform.core.ports import Registry, TrainingRun
from ml_platform.core.records import Candidate, Conditions, DeploymentRecord, ReleaseRecord
from ml_platform.core.shown import GOVERNED_TAGS, ShownModel, release_tags
from ml_platform.stages.put_back import ACTION, Showing, look, put_back
from ml_platform_tests.fakes.ledger import FakeLedger

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
CONDITIONS = Conditions(
    seed=1, threads=1, learner="lightgbm", learner_version="4.7.0", environment_digest="e" * 64, code_digest="c" * 64,
    git_commit="a" * 40, git_dirty=False, cpu="Example", python="CPython 3.11.7",
)  # fmt: skip
SECRET = "hunter2-is-a-password"


@dataclass
class Shown:
    """A model with two releases of two runs: v1 live in staging, v2 in production."""

    model: str
    ledger: FakeLedger
    tracker: MlflowTracker
    registry: MlflowRegistry

    @property
    def client(self) -> Any:
        return self.tracker._client

    def settle(self) -> int:
        pending, self.ledger.pending = self.ledger.pending, []
        for one in pending:
            self.tracker.project_live(one)
        return len(pending)

    @property
    def showing(self) -> Showing:
        return Showing(ledger=self.ledger, tracker=self.tracker, registry=self.registry, settle=self.settle)

    def release(self, version: int, run_id: str, *, show: bool = True) -> ReleaseRecord:
        digests = {each.name: f"{version}" * 64 for each in dataclasses.fields(Candidate)}
        release = ReleaseRecord(
            model=self.model, version=version, candidate=Candidate(**{**digests, "model": self.model}),
            evidence_digest=f"{version}" * 64, policy_digest="b" * 64, released_at=NOW, released_by="ann",
        )  # fmt: skip
        self.ledger.versions.setdefault(self.model, []).append(release)
        if show:
            self.tracker.project_release(release, run_id)
            self.ledger.append(
                "release_shown", actor="x", subject=f"{self.model} v{version}", payload={"run_id": run_id}, at=NOW
            )
        return release

    def run(self) -> str:
        return self.tracker.log_training(
            TrainingRun(
                model=self.model, parameters={}, metrics={}, tags={"model_digest": "d" * 64}, conditions=CONDITIONS,
                files=("model.txt",), example={"a": (0.1,)},
            )
        )  # fmt: skip

    def deploy(self, release: ReleaseRecord, environment: str) -> None:
        self.ledger.deploy(release, environment, actor="rita", reason="good", approvals=(), at=NOW)

    def put_back(self) -> Any:
        return put_back(self.showing, self.model, now=NOW)

    def audited(self) -> list[Any]:
        return [one.payload for one in self.ledger.entries if one.action == ACTION]


def make(model: str, tracker: MlflowTracker) -> Shown:
    shown = Shown(model, FakeLedger(), tracker, MlflowRegistry(tracker.tracking_uri))
    first, second = (shown.release(version, shown.run()) for version in (1, 2))
    shown.deploy(first, "staging")
    shown.deploy(second, "production")
    shown.settle()
    return shown


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> MlflowTracker:
    home: Path = tmp_path_factory.mktemp("shown")
    return MlflowTracker(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")


@pytest.fixture
def shown(request: pytest.FixtureRequest, tracker: MlflowTracker) -> Shown:
    return make(f"m{abs(hash(request.node.name)):x}", tracker)


def same(shown: Shown, *, numbers: tuple[int, int] = (1, 2)) -> bool:
    """Say whether MLflow shows what the ledger says."""
    found = shown.registry.shown(shown.model)
    of = {one.number: one for one in found.versions}
    first, second = numbers
    governed = {
        alias: number for alias, number in found.aliases.items() if alias.casefold() in {"staging", "production"}
    }
    releases = shown.ledger.releases(shown.model)
    return governed == {"staging": first, "production": second} and all(
        {name: text for name, text in of[number].tags.items() if name in GOVERNED_TAGS} == release_tags(release)
        and of[number].stage in {"", "None"}
        for number, release in zip(numbers, releases, strict=True)
    )


def foreign_version(shown: Shown, **tags: str) -> int:
    run_id = shown.client.get_model_version(shown.model, "1").run_id
    made = shown.client.create_model_version(shown.model, source="file:///elsewhere", run_id=run_id, tags=tags)
    return int(made.version)


def move(shown: Shown) -> None:
    shown.client.set_registered_model_alias(shown.model, "production", "1")


def move_to_foreign(shown: Shown) -> None:
    copied = dict(shown.client.get_model_version(shown.model, "2").tags)
    shown.client.set_registered_model_alias(shown.model, "production", str(foreign_version(shown, **copied)))


def take_over(shown: Shown) -> None:
    copied = dict(shown.client.get_model_version(shown.model, "2").tags)
    shown.client.delete_model_version_tag(shown.model, "2", "evidence_digest")
    shown.client.set_registered_model_alias(shown.model, "production", str(foreign_version(shown, **copied)))


def stage(shown: Shown) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown.client.transition_model_version_stage(shown.model, "1", "Production")


WRITES: dict[str, tuple[Callable[[Shown], object], str]] = {
    "alias moved": (move, "alias 'production' v1; v2 is right"),
    "alias deleted": (
        lambda s: s.client.delete_registered_model_alias(s.model, "production"), "alias 'production' nothing; v2"),
    "alias alike": (
        lambda s: s.client.set_registered_model_alias(s.model, "Production", "1"), "alias 'Production' v1; nothing"),
    "alias to a copy": (move_to_foreign, "alias 'production' MLflow's 3, which is no release; v2 is right"),
    "copy in its place": (take_over, "tag evidence_digest of v2 (MLflow's 2) was missing"),
    "tag changed": (
        lambda s: s.client.set_model_version_tag(s.model, "1", "evidence_digest", SECRET),
        "tag evidence_digest of v1",
    ),
    "tag of another": (
        lambda s: s.client.set_model_version_tag(s.model, "1", "evidence_digest", "2" * 64),
        "tag evidence_digest of v1",
    ),
    "tag deleted": (
        lambda s: s.client.delete_model_version_tag(s.model, "2", "git_commit"), "tag git_commit of v2"),
    "tag of the model": (
        lambda s: s.client.set_registered_model_tag(s.model, "version", SECRET), "the model itself had"),
    "stage": (stage, "v1 (MLflow's 1) was in MLflow's stage 'Production'"),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_a_foreign_write_is_named_put_back_and_audited_once(shown: Shown, write: str) -> None:
    assert same(shown)
    assert release_tags(shown.ledger.releases(shown.model)[0]).keys() == GOVERNED_TAGS
    assert shown.put_back().found == ()
    act, named = WRITES[write]
    act(shown)
    live = [shown.ledger.live(shown.model, each) for each in ("staging", "production")]
    assert any(named in what for what in look(shown.showing, shown.model))
    assert not shown.audited()
    done = shown.put_back()
    assert done.problems == ()
    assert any(named in what for what in done.found), done.found
    assert same(shown)
    (entry,) = shown.audited()
    assert entry["found"] == list(done.found)
    assert entry["by"] == "unknown"
    assert SECRET not in str(entry)
    assert shown.put_back().found == ()
    assert len(shown.audited()) == 1
    assert [shown.ledger.live(shown.model, each) for each in ("staging", "production")] == live


def test_mlflows_client_puts_back_what_isnt_written_straight(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_rows, "REVISIONS", frozenset())
    for write in ("alias alike", "copy in its place", "tag of the model", "stage"):
        act, named = WRITES[write]
        act(shown)
        assert any(named in what for what in shown.put_back().found)
    assert same(shown)
    shown.client.delete_registered_model(shown.model)
    assert {"v1 was gone", "v2 was gone"} <= set(shown.put_back().found)
    assert same(shown)


def test_a_deleted_version_is_shown_anew_and_the_alias_follows(shown: Shown) -> None:
    shown.client.delete_model_version(shown.model, "2")
    found = shown.put_back().found
    assert any("v2 was gone" in what for what in found)
    assert same(shown, numbers=(1, 3))
    assert shown.put_back().found == ()


def test_a_deleted_model_is_shown_anew_also_where_another_of_its_name_was_made(shown: Shown) -> None:
    for made_anew in (False, True):
        shown.client.delete_registered_model(shown.model)
        if made_anew:
            shown.client.create_registered_model(shown.model)
        assert {"v1 was gone", "v2 was gone"} <= set(shown.put_back().found)
        assert same(shown)


def test_what_isnt_the_platforms_to_write_stays(shown: Shown) -> None:
    shown.client.set_registered_model_alias(shown.model, "my-favourite", "1")
    shown.client.set_model_version_tag(shown.model, "1", "note", "nice")
    shown.client.set_registered_model_tag(shown.model, "team", "blue")
    foreign_version(shown, note="an experiment")
    assert shown.put_back().found == ()
    assert not shown.audited()


def test_a_deployment_on_its_way_is_no_foreign_write(shown: Shown) -> None:
    shown.deploy(shown.ledger.releases(shown.model)[0], "production")
    assert shown.put_back().found == ()
    assert shown.registry.shown(shown.model).aliases["production"] == 1


def test_a_deployment_that_comes_meanwhile_is_shown_and_looked_at_again(shown: Shown) -> None:
    late = [shown.ledger.releases(shown.model)[0]]

    class Slow(MlflowRegistry):
        def shown(self, model: str) -> ShownModel:
            found = super().shown(model)
            if late:
                shown.deploy(late.pop(), "production")
            return found

    showing = dataclasses.replace(shown.showing, registry=Slow(shown.tracker.tracking_uri))
    assert look(showing, shown.model) == ()


def test_a_release_that_is_being_shown_is_left_alone(shown: Shown) -> None:
    run_id = shown.run()
    third = shown.release(3, run_id, show=False)
    shown.tracker.project_release(third, run_id)  # killed before it was written down
    assert shown.put_back().found == ()
    unshown = shown.release(4, shown.run(), show=False)
    shown.ledger.deployments.append(
        DeploymentRecord(
            model=shown.model, environment="production", version=4, model_digest="d", since=NOW, actor="x",
            evidence_digest=unshown.evidence_digest, reason="",
        )
    )  # fmt: skip
    assert shown.put_back().found == ()


def test_an_unreachable_tracker_is_told_and_what_was_found_isnt_called_put_back(shown: Shown) -> None:
    port: Registry = shown.registry
    assert port is shown.registry
    shown.client.set_model_version_tag(shown.model, "1", "version", "9")

    class Down(MlflowRegistry):
        def tag(self, *_: object) -> None:
            raise Unavailable("MLflow: is away")

    done = put_back(dataclasses.replace(shown.showing, registry=Down(shown.tracker.tracking_uri)), shown.model, now=NOW)
    assert done.problems == ("MLflow: is away",)
    assert shown.audited()[0]["put_back"] is False
    gone = MlflowRegistry("sqlite:////dev/null/mlflow.db")
    with pytest.raises(Unavailable, match="MLflow at"), contextlib.suppress(FileNotFoundError):
        gone.shown(shown.model)
