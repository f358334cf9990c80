"""The whole path through Dagster: source to staging, production, a watched month, retraining, and every refusal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.core.records import DeploymentRecord, DossierRecord, MonitoringRecord
from ml_platform.core.spent import CostRecord
from ml_platform.core.verdict import Outcome
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.jobs import DOSSIER, RELEASE
from ml_platform.orchestration.records import read_record
from ml_platform.orchestration.retrain_sensor import watched
from ml_platform.policy.load import load_model
from ml_platform.settings import load_settings
from ml_platform.stages.evidence import read_evidence
from ml_platform.stages.retraining import Watched
from ml_platform_tests.flow.traffic import serve_badly
from ml_platform_tests.orchestration.small_model import POLICY, WAIVED, rows, write_model

MODEL = "parcels"
Result = dg.ExecuteInProcessResult


@dataclass(frozen=True)
class World:
    """A home of its own with one small model, and Dagster's instance beside it."""

    folder: Path
    instance: dg.DagsterInstance

    @property
    def definitions(self) -> dg.Definitions:
        return build_all(load_settings())

    def run(
        self,
        job: str,
        *,
        config: Mapping[str, Any] | None = None,
        partition: str | None = None,
        only: list[str] | None = None,
    ) -> Result:
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            run_config=dict(config or {}),
            partition_key=partition,
            asset_selection=[dg.AssetKey([MODEL, name]) for name in only] if only else None,
            raise_on_error=False,
        )

    def tick_windows(self) -> dg.SensorExecutionData | Any:
        """Evaluate the window sensor once, as the daemon does."""
        sensor, known = self.definitions.resolve_sensor_def(f"{MODEL}_window_sensor"), self.definitions
        context = dg.build_sensor_context(instance=self.instance, repository_def=known.get_repository_def())
        return sensor.evaluate_tick(context)

    def tick(self) -> dg.SensorExecutionData | Any:
        sensor = self.definitions.resolve_sensor_def(f"{MODEL}_retrain_sensor")
        return sensor.evaluate_tick(dg.build_sensor_context(instance=self.instance))

    def platform(self) -> Platform:
        return open_platform(load_settings())

    def live(self, environment: str) -> DeploymentRecord | None:
        with self.platform() as platform:
            return platform.ledger.live(MODEL, environment)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    write_model(folder, (POLICY, WAIVED))
    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test() as instance:
        patch.setenv("ML_PLATFORM_HOME", str(folder / "home"))
        patch.setenv("ML_PLATFORM_DEFS", str(folder / "defs"))
        patch.setenv("ML_PLATFORM_ACTOR", "robin")
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("ML_PLATFORM_ONLY", raising=False)
        yield World(folder=folder, instance=instance)


@pytest.fixture(scope="module")
def released(world: World) -> Result:
    return world.run(f"{MODEL}_release")


def failure(result: Result) -> str:
    """Return the words of the step that failed."""
    (event,) = result.filter_events(lambda one: one.is_step_failure)
    data = event.step_failure_data
    return str(data.user_failure_data.description if data.user_failure_data else data.error)


def metadata(result: Result, name: str) -> dict[str, Any]:
    (event,) = [one for one in result.get_asset_materialization_events() if one.asset_key == dg.AssetKey([MODEL, name])]
    return {key: value.value for key, value in event.materialization.metadata.items()}


# The tests below are one story and run in the order they are written.


def test_a_release_goes_from_the_source_to_staging(world: World, released: Result) -> None:
    assert released.success
    made = {event.asset_key.path[-1] for event in released.get_asset_materialization_events() if event.asset_key}
    assert made == {*RELEASE, *DOSSIER} - {"source"}
    live = world.live("staging")
    assert live is not None
    assert live.version == 1
    assert live.actor == "robin"
    assert world.live("production") is None


def test_every_gate_up_to_staging_has_a_check_result(world: World, released: Result) -> None:
    judged = {(one.asset_key.path[-1], one.check_name) for one in released.get_asset_check_evaluations()}
    keys = world.definitions.resolve_asset_graph().asset_check_keys
    assert judged == {(key.asset_key.path[-1], key.name) for key in keys if key.asset_key.path[-1] in RELEASE}
    assert len(judged) >= 25


def test_what_dagster_shows_is_what_the_ledger_holds(world: World, released: Result) -> None:
    with world.platform() as platform:
        for stage in set(RELEASE) - {"report"}:
            part = platform.ledger.latest_part(MODEL, stage)
            assert part is not None
            assert part.run_id == released.run_id
            shown = {
                one.check_name: one.passed
                for one in released.get_asset_check_evaluations()
                if one.asset_key.path[-1] == stage
            }
            assert shown == {verdict.gate: verdict.outcome.opens for verdict in part.verdicts}


def test_assets_carry_rows_digest_and_column_lineage(released: Result) -> None:
    assert metadata(released, "snapshot")["dagster/row_count"] == 2_736
    lineage = metadata(released, "features")["dagster/column_lineage"].deps_by_column
    assert [dep.column_name for dep in lineage["over_middle"]] == ["weight"]
    assert len(metadata(released, "model")["digest"]) == 64


def test_the_release_says_what_each_of_its_stages_took(world: World, released: Result) -> None:
    record = read_record(world.folder / "home", (MODEL, "cost"), CostRecord)
    assert record is not None
    assert [one.stage for one in record.stages] == [
        "source", "snapshot", "split", "features", "model", "evaluation", "release",
    ]  # fmt: skip
    assert {one.outcome for one in record.stages} == {"worked"}
    assert (record.cost, record.run_id) == (None, released.run_id)
    assert "| all |" in metadata(released, "cost")["stages"]
    assert metadata(released, "model")["stage_cpu_seconds"] > 0
    # Evidence is bound by digests that are compared between runs, so no time may be in it.
    with world.platform() as platform:
        release = platform.ledger.release(MODEL, 1)
        assert release is not None
        assert "cost" not in {part.stage for part in read_evidence(platform.store, release.evidence_digest).parts}
        part = platform.ledger.part(MODEL, "cost", release.candidate.digest, release.policy_digest)
        assert part is not None
        assert {verdict.outcome for verdict in part.verdicts} == {Outcome.NOT_APPLICABLE}


def test_the_release_leaves_a_dossier_of_its_controls(world: World, released: Result) -> None:
    record = read_record(world.folder / "home", (MODEL, "dossier"), DossierRecord)
    assert record is not None
    assert record.version == 1
    assert record.controls["VERSION-ALL"] == "enforced"
    assert record.controls["AUDIT"] == "no_gate"
    assert record.controls["RESOURCES"] == "not_applicable"
    assert "no verdicts of production on this version" in metadata(released, "dossier")["missing"]
    page = (world.folder / "home" / record.files["html"]).read_text()
    assert f"{MODEL} v1" in page
    assert "isn&#39;t in the store any more" not in page


def test_the_same_again_does_nothing_and_says_so(
    world: World, released: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_work(*_: object, **__: object) -> None:
        pytest.fail("work was done again")

    for name in (
        "snapshot.take_snapshot", "split.make_split", "features.build_features", "train.train", "evaluate.evaluate",
        "clean_process.measure_in_clean_process", "verify_service.verify_service",
    ):  # fmt: skip
        monkeypatch.setattr(f"ml_platform.stages.{name}", no_work)
    again = world.run(f"{MODEL}_release")
    assert again.success
    assert all(metadata(again, name)["unchanged"] for name in {*RELEASE, *DOSSIER} - {"source"})
    live = world.live("staging")
    assert live is not None
    assert live.version == 1


def test_a_forged_verdict_does_not_open_production(world: World, released: Result) -> None:
    with world.platform() as platform:
        release = platform.ledger.release(MODEL, 1)
        assert release is not None
        path = platform.store.folder("evidence", release.evidence_digest) / "evidence.json"
    content = path.read_bytes()
    path.chmod(0o644)
    try:
        path.write_bytes(content.replace(b'"passed"', b'"waived"', 1))
        by_job, alone = world.run(f"{MODEL}_promote"), world.run("__ASSET_JOB", only=["production"])
    finally:
        path.write_bytes(content)
    for refused in (by_job, alone):
        assert not refused.success
        assert "is NOT live in production, the lock stays closed" in failure(refused)
    assert world.live("production") is None


def test_evidence_under_another_policy_does_not_open_production(world: World, released: Result) -> None:
    file = world.folder / "defs" / MODEL / "defs.yaml"
    before = file.read_text()
    try:
        file.write_text(before.replace(POLICY, f"{POLICY}\n    overrides: {{auc_is_sufficient: {{limit: 0.7}}}}"))
        by_job, alone = world.run(f"{MODEL}_promote"), world.run("__ASSET_JOB", only=["production"])
    finally:
        file.write_text(before)
    for refused in (by_job, alone):
        assert "made under policy" in failure(refused)
    assert world.live("production") is None


def test_another_contract_than_the_released_one_is_not_deployed(world: World, released: Result) -> None:
    file = world.folder / "defs" / MODEL / "defs.yaml"
    before = file.read_text()
    try:
        file.write_text(before.replace("range: [0, 60]", "range: [0, 61]"))
        refused = world.run("__ASSET_JOB", only=["production"])
    finally:
        file.write_text(before)
    assert "the contract in" in failure(refused)
    assert world.live("production") is None


def test_the_promote_job_makes_the_staged_version_live(world: World, released: Result) -> None:
    done = world.run(f"{MODEL}_promote")
    assert done.success
    live = world.live("production")
    assert live is not None
    assert live.version == 1
    manifest = json.loads((world.folder / "home" / "deployments" / "production" / f"{MODEL}.json").read_text())
    assert manifest["model_digest"] == live.model_digest
    assert "no verdicts of production" not in metadata(done, "dossier")["missing"]


def test_releasing_what_is_live_makes_no_new_version(world: World, released: Result) -> None:
    again = world.run(f"{MODEL}_release")
    assert again.success
    assert metadata(again, "release")["version"] == 1
    assert metadata(again, "release")["unchanged"]
    with world.platform() as platform:
        assert len(platform.ledger.releases(MODEL)) == 1


def test_before_any_traffic_the_sensor_says_why_it_does_nothing(world: World, released: Result) -> None:
    data = world.tick()
    assert not data.run_requests
    assert "no window has been monitored yet" in data.skip_message


def test_a_bad_month_raises_the_alarm(world: World, released: Result) -> None:
    live = world.live("production")
    assert live is not None
    serve_badly(world.folder / "home", live, "2025-10")
    watched = world.run(f"{MODEL}_monitor", partition="2025-10")
    assert not watched.success
    assert f"{MODEL}: ALARM at monitoring" in failure(watched)
    assert "live_auc_holds" in failure(watched)
    record = read_record(world.folder / "home", (MODEL, "monitoring"), MonitoringRecord, "2025-10")
    assert record is not None
    assert record.labelled > 200


def test_a_late_label_makes_its_window_due_once_and_judged_again_nothing_is_left_to_do(
    world: World, released: Result
) -> None:
    assert "no label has come since" in (world.tick_windows().skip_message or "")
    now = dt.datetime.now(tz=dt.UTC)
    LabelStore(world.folder / "home").append(MODEL, [("2025-10-late", 1.0, now), ("nobodys", 1.0, now)])
    (request,) = world.tick_windows().run_requests
    assert request.partition_key == "2025-10"
    assert "labels have come" in request.tags["ml_platform/why"]
    world.run(f"{MODEL}_monitor", partition="2025-10")
    assert not world.tick_windows().run_requests


def _watching(world: World) -> Watched:
    """What the decision looks at, when every reason and limit is watched."""
    file = load_model(world.folder / "defs" / MODEL / "defs.yaml", now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert file.spec.monitoring is not None
    more = {"retrain_on_change_of": ("features",), "retrain_after_days": 30, "most_cpu_hours_in_30_days": 1.0}
    more |= {"retrain_on_expected_gain": 0.005}
    with world.platform() as platform:
        return watched(file, file.spec.monitoring.model_copy(update=more), platform)


def test_what_the_live_version_was_made_from_is_compared_with_what_is_there_now(world: World, released: Result) -> None:
    found = _watching(world)
    assert found.made is not None
    assert found.now is not None
    assert found.made.digests == found.now.digests
    assert found.made.as_of is not None
    assert found.cpu_hours == 0.0
    assert found.made.learned_until is not None
    assert found.came is not None
    assert found.came.trained > 0
    assert found.came.labelled > 0
    assert found.came.grown == 0


def test_the_sensor_asks_for_retraining_once_and_the_run_answers(world: World, released: Result) -> None:
    (request,) = world.tick().run_requests
    assert request.run_key == request.tags["ml_platform/cause"]
    assert "live_auc_holds" in request.tags["ml_platform/trigger"]
    assert request.run_config["ops"]["parcels__snapshot"]["config"]["as_of"] == "2025-11-01T00:00:00+00:00"
    done = world.run(f"{MODEL}_retrain", config=request.run_config)
    assert done.success
    (asked,) = _watching(world).requests
    assert asked.payload["changed_since"] == "2025-10-01T00:00:00+00:00"
    assert metadata(done, "snapshot")["dagster/row_count"] > 2_736
    live = world.live("staging")
    assert live is not None
    assert live.version == 2
    after = world.tick()
    assert not after.run_requests
    assert "was requested already" in after.skip_message
    assert 0.0 < _watching(world).cpu_hours < 0.5


def test_a_version_that_fails_its_check_in_production_is_rolled_back(world: World, released: Result) -> None:
    nobody = {"ops": {"parcels__production": {"config": {"url": "http://127.0.0.1:9"}}}}
    failed = world.run(f"{MODEL}_promote", config=nobody)
    assert not failed.success
    assert "rolled back to v1; v2 is barred for good" in failure(failed)
    live = world.live("production")
    assert live is not None
    assert live.version == 1
    refused = world.run(f"{MODEL}_promote")
    assert "v2 was barred" in failure(refused)


def test_a_gate_that_never_ran_on_this_source_refuses_the_release(world: World, released: Result) -> None:
    table = rows(seed=4)
    write_model(world.folder, (POLICY, WAIVED), table=table)
    without_source = [name for name in RELEASE if name != "source"]
    refused = world.run(f"{MODEL}_release", only=without_source)
    assert not refused.success
    assert "source_is_readable (source) never ran" in failure(refused)
    with world.platform() as platform:
        assert len(platform.ledger.releases(MODEL)) == 2


def test_a_closed_gate_stops_the_path_and_names_its_numbers(world: World, released: Result) -> None:
    write_model(world.folder, (POLICY, f"{POLICY}\n    overrides: {{auc_is_sufficient: {{limit: 0.99}}}}"))
    refused = world.run(f"{MODEL}_release")
    assert not refused.success
    text = failure(refused)
    for piece in ("REFUSED at evaluation", "auc_is_sufficient failed", "roc_auc = 0.8", "≥ 0.99", "do:"):
        assert piece in text
    made = {event.asset_key.path[-1] for event in refused.get_asset_materialization_events() if event.asset_key}
    assert "evaluation" in made
    assert "release" not in made


def test_a_missing_source_is_told_in_words(world: World, released: Result) -> None:
    (world.folder / "parcels.csv").unlink()
    refused = world.run(f"{MODEL}_release")
    assert not refused.success
    assert "parcels.csv" in failure(refused)
    assert "Traceback" not in failure(refused)
