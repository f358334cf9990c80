"""The promotion lock from every side: the command line, the promote job, and `production` materialised alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from ml_platform.adapters.platform import open_platform
from ml_platform.core.records import ReleaseRecord
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.wiring import asset_key
from ml_platform.settings import load_settings
from ml_platform.stages.evidence import read_evidence, write_evidence
from ml_platform_tests.flow.project import MODEL, Project, project_in
from ml_platform_tests.flow.test_with_dagster import failure
from ml_platform_tests.orchestration.small_model import NOW

POLICY = "packs: [base]"
SIDES = ("the command line", "the promote job", "production alone")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Project]:
    with project_in(tmp_path_factory.mktemp("lock"), tracking) as found:
        said = found.ask("run", MODEL)
        assert said.code == 0, said.err
        yield found


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


Promote = Callable[[str, int], str]


@pytest.fixture(scope="module")
def promote(project: Project, instance: dg.DagsterInstance) -> Promote:
    """Try to bring a version to production from one side; return the words of the refusal."""

    def by_command(version: int) -> str:
        said = project.ask("promote", f"{MODEL}/{version}", "--env", "production", "--reason", "hurry")
        assert said.code in {1, 3}
        return said.err

    def by_dagster(job: str, version: int) -> str:
        result = build_all(load_settings()).resolve_job_def(job).execute_in_process(
            instance=instance,
            run_config={"ops": {f"{MODEL}__production": {"config": {"version": version}}}},
            asset_selection=[asset_key(MODEL, "production")],
            raise_on_error=False,
        )  # fmt: skip
        assert not result.success
        return failure(result)

    jobs = {"the promote job": f"{MODEL}_promote", "production alone": "__ASSET_JOB"}
    return lambda side, version: by_dagster(jobs[side], version) if side in jobs else by_command(version)


@pytest.fixture(scope="module")
def unproven(project: Project) -> ReleaseRecord:
    """Register version 2: the same candidate, with evidence in which the gates of the evaluation never ran."""
    with open_platform(load_settings()) as platform:
        release = platform.ledger.release(MODEL, 1)
        assert release is not None
        evidence = read_evidence(platform.store, release.evidence_digest)
        parts = tuple(part for part in evidence.parts if part.stage != "evaluation")
        lacking = dataclasses.replace(evidence, parts=parts)
        digest = write_evidence(platform.store, lacking)
        return platform.ledger.record_release(lacking, digest, actor="mallory", at=NOW)


def forge(instance: dg.DagsterInstance) -> int:
    """Report every check of the model as passed, as anybody can to an open web server; return how many stand there."""
    keys = list(build_all(load_settings()).resolve_asset_graph().asset_check_keys)
    for key in keys:
        passed = dg.AssetCheckEvaluation(asset_key=key.asset_key, check_name=key.name, passed=True, metadata={})
        instance.report_runless_asset_event(passed)
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    return sum(one.status is AssetCheckExecutionRecordStatus.SUCCEEDED for one in newest.values())


@pytest.mark.parametrize("side", SIDES)
def test_a_candidate_whose_gates_never_ran_stays_out(
    project: Project, promote: Promote, unproven: ReleaseRecord, side: str
) -> None:
    words = promote(side, unproven.version)
    assert "auc_is_sufficient (evaluation) never ran on this candidate under the current policy" in words
    assert project.live("production") is None


@pytest.mark.parametrize("side", SIDES)
def test_forged_check_results_open_nothing(
    project: Project, instance: dg.DagsterInstance, promote: Promote, unproven: ReleaseRecord, side: str
) -> None:
    assert forge(instance) > 50
    assert "never ran on this candidate" in promote(side, unproven.version)
    assert project.live("production") is None


@pytest.mark.parametrize("side", SIDES)
def test_a_candidate_judged_under_another_policy_stays_out(project: Project, promote: Promote, side: str) -> None:
    project.write((POLICY, f"{POLICY}\n    overrides: {{auc_is_sufficient: {{limit: 0.7}}}}"))
    words = promote(side, 1)
    project.write()
    assert "policy" in words
    assert "never ran on this candidate under the current policy" in words or "was made under policy" in words
    assert project.live("production") is None


@pytest.mark.parametrize("side", SIDES)
def test_altered_evidence_opens_nothing(project: Project, promote: Promote, side: str) -> None:
    with open_platform(load_settings()) as platform:
        release = platform.ledger.release(MODEL, 1)
        assert release is not None
        path = platform.store.folder("evidence", release.evidence_digest) / "evidence.json"
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"failed"', b'"passed"'))
    words = promote(side, 1)
    path.write_bytes(content)
    assert "its content isn't what was stored" in words
    assert project.live("production") is None


def test_every_refusal_is_in_the_audit_chain(project: Project) -> None:
    with open_platform(load_settings()) as platform:
        refused = [one for one in platform.ledger.audit(model=MODEL) if one.action == "promotion_refused"]
    assert len(refused) >= 9
    assert {one.subject for one in refused} == {f"{MODEL}@production"}


def test_a_proven_candidate_goes_through(project: Project) -> None:
    said = project.ask("promote", f"{MODEL}/1", "--env", "production", "--reason", "proven")
    assert said.code == 0, said.err
    live = project.live("production")
    assert live is not None
    assert live.version == 1
