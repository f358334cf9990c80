from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ml_platform.core.change_log import ChangeLog, Topical
from ml_platform.core.measurement import Measurement
from ml_platform.core.ports import Approval
from ml_platform.core.records import Candidate, Evidence, EvidencePart, ReleaseRecord
from ml_platform.policy.gates import Waiver
from ml_platform.policy.resolve import make_policy
from ml_platform.reports.dossier import Barred, Dossier, Standing, dossier_bytes, make_dossier, write_dossier
from ml_platform.reports.dossier_html import dossier_page
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.policy.gates_of import at_least
from ml_platform_tests.reports.page import read
from ml_platform_tests.reports.verdicts import HOSTILE
from ml_platform_tests.reports.world import NOW, deployed, measurements, policy, spec, world

CLEAN = HOSTILE.replace("\ud800", "")


def dossier(folder: Path, *, ratio: float = 0.9, now: dt.datetime = NOW, **changes: Any) -> Dossier:
    """Put a dossier together of a version with verdicts up to the evaluation, `ratio` apart between two groups."""
    store = FakeStore(folder)
    one = world(store, measurements(ratio=ratio, crew=changes.pop("crew", "a")))
    held = policy(faces_are_equal=at_least(0.5, control="FAIRNESS", metric="selection_rate_ratio", stage="traffic"))
    held = make_policy(held.gates, changes.pop("waivers", ()), {"production": 1}, ("test",))
    verdicts = [replace(each, policy_digest=held.digest) for each in one.verdicts]
    parts = {
        stage: EvidencePart(
            stage=stage, subject_digest="1" * 64, policy_digest=held.digest, conditions=(), made_at=NOW,
            verdicts=tuple(each for each in verdicts if each.stage == stage),
        )
        for stage in ("snapshot", "model", "evaluation")
    }  # fmt: skip
    candidate = Candidate(
        model="toy", source_digest="2" * 64, snapshot_digest="3" * 64, split_digest="5" * 64, features_digest="c" * 64,
        code_digest="6" * 64, parameters_digest="d" * 64, environment_digest="e" * 64, model_digest="a" * 64,
        evaluation_digest=one.evaluation.digest, git_commit="9" * 40,
    )  # fmt: skip
    evidence = Evidence(
        candidate=candidate, policy_digest=held.digest, parts=tuple(parts.values()), made_at=NOW, trained_by="kim"
    )
    release = ReleaseRecord(
        model="toy", version=3, candidate=candidate, evidence_digest="4" * 64, policy_digest=held.digest,
        released_at=NOW, released_by="robin",
    )  # fmt: skip
    given: dict[str, Any] = {"spec": spec(), "standing": Standing(), "release": release} | changes
    return make_dossier(policy=held, store=store, evidence=evidence, parts=parts, now=now, **given)


def state_of(told: Dossier, control: str) -> str:
    return next(one.state for one in told.controls if one.id == control)


def test_a_violated_an_undecided_and_a_silent_control_are_named(tmp_path: Path) -> None:
    told = dossier(tmp_path, ratio=0.5)
    assert state_of(told, "METRICS") == "violated"
    assert state_of(told, "FAIRNESS") == "undecided"
    assert "AUDIT" in told.silent
    text = " ".join(read(dossier_page(told)).text.split())
    for said in (
        "1 violated, 1 undecided", "rates_are_similar", "[0.45, 0.55]", "traffic was never judged",
        "no verdict on this version", "No gate speaks for DATA-FIT", "AUDIT",
    ):  # fmt: skip
        assert said in text


def test_the_gates_that_decided_come_first_with_their_measurement(tmp_path: Path) -> None:
    (metrics,) = [one for one in dossier(tmp_path, ratio=0.5).controls if one.id == "METRICS"]
    first, *others = metrics.gates
    assert first.gate == "rates_are_similar"
    assert first.decides
    assert first.verdict is not None
    assert first.verdict.worst is not None
    assert (first.verdict.worst.low, first.verdict.worst.n) == (0.45, 100)
    assert not any(gate.decides for gate in others)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    waiver = Waiver(gate="auc_is_sufficient", owner="Kim", reason="Few rows to tell.", expires=dt.date(2026, 3, 1))
    told = dossier(tmp_path, waivers=(waiver,))
    assert "The snapshot 333333333333 isn't in the store any more." in told.missing
    assert "There are no verdicts of release on this version under the present policy." in told.missing
    assert not any("evaluation" in words for words in told.missing)
    assert not any("expired" in words for words in told.missing)
    later = dossier(tmp_path, waivers=(waiver,), now=NOW + dt.timedelta(days=1))
    assert "The waiver of auc_is_sufficient expired on 2026-03-01." in later.missing


def test_a_policy_that_changed_since_the_release_is_named(tmp_path: Path) -> None:
    release = dossier(tmp_path).release
    told = dossier(tmp_path, release=replace(release, policy_digest="0" * 64))
    assert any("released under policy 000000000000" in words for words in told.missing)


def test_who_where_and_until_when_are_told(tmp_path: Path) -> None:
    approval = Approval(
        approval_id="a", model="toy", version=3, environment="production", evidence_digest="4" * 64,
        policy_digest="5" * 64, approver="alex", given_at=NOW, expires_at=NOW, used_at=NOW,
    )  # fmt: skip
    standing = Standing(
        approvals=(approval,),
        deployments=(deployed(),),
        live_in=("staging",),
        barred=(Barred(version=2, reason="scores were wrong"),),
    )
    waiver = Waiver(gate="auc_is_sufficient", owner="Sam", reason="Few rows to tell.", expires=dt.date(2099, 1, 31))
    text = read(dossier_page(dossier(tmp_path, standing=standing, waivers=(waiver,)))).text
    for said in (
        "kim", "robin, 2026-03-01 12:00 UTC", "alex", "a try", "v2: scores were wrong", "Sam", "2099-01-31",
        "production needs 1.", "9" * 40,
    ):  # fmt: skip
        assert said in text


def test_the_json_reads_back_as_the_dossier(tmp_path: Path) -> None:
    told = dossier(
        tmp_path, ratio=0.5, standing=Standing(deployments=(deployed(),), barred=(Barred(version=2, reason="why"),))
    )
    assert msgspec.json.decode(dossier_bytes(told), type=Dossier) == told


def test_the_page_escapes_what_comes_from_data_and_loads_nothing(tmp_path: Path) -> None:
    barred = Standing(barred=(Barred(version=3, reason=CLEAN),), deployments=(replace(deployed(), reason=CLEAN),))
    page = read(dossier_page(dossier(tmp_path, ratio=0.5, crew=CLEAN, spec=spec(purpose=CLEAN), standing=barred)))
    assert "script" not in page.tags
    assert page.loads == []
    assert page.unclosed == []
    assert page.text.count("<script>alert(1)</script>") >= 4


def test_links_lead_to_what_the_store_keeps(tmp_path: Path) -> None:
    told = dossier(tmp_path)
    record = write_dossier(told, FakeStore(tmp_path)).record
    page = tmp_path / record.files["html"]
    links = read(page.read_text()).links
    kept = [link for link in links if not link.startswith("#")]
    assert kept == [f"../../evaluations/{told.release.candidate.evaluation_digest}/"]
    assert all((page.parent / link).is_dir() for link in kept)


def test_the_same_content_is_the_same_dossier_and_another_state_is_another(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    first, again = write_dossier(dossier(tmp_path), store), write_dossier(dossier(tmp_path), store)
    assert not first.unchanged
    assert again.unchanged
    assert again.record == first.record
    assert first.record.controls["METRICS"] == "undecided"
    assert write_dossier(dossier(tmp_path, ratio=0.5), store).record.digest != first.record.digest


@pytest.mark.parametrize("form", ["html", "json"])
def test_both_files_lie_under_the_digest(tmp_path: Path, form: str) -> None:
    record = write_dossier(dossier(tmp_path), FakeStore(tmp_path)).record
    assert record.files[form] == f"dossiers/{record.digest}/dossier.{form}"
    assert (tmp_path / record.files[form]).is_file()


def test_what_is_new_is_told_with_its_gain_and_what_isnt_on_record(tmp_path: Path) -> None:
    gain = Measurement(metric="gain_over_champion", value=0.02, low=0.01, high=0.03, n=900)
    topics = (Topical(topic="parameters", changes=(CLEAN, "rounds: 100 → 300")), Topical(topic="data", missing=("x",)))
    log = ChangeLog(model="toy", version=3, evidence_digest="4" * 64, since=2, topics=topics, gains=(gain,))
    told = dossier_page(dossier(tmp_path, changes=log))
    for piece in ("What is new in it", "Against v2.", "+0.02", "[0.01, 0.03]", "rounds: 100 → 300", "missing: x"):
        assert piece in told
    assert CLEAN not in told
    first = replace(log, since=None, topics=(), gains=())
    told = dossier_page(dossier(tmp_path, changes=first))
    assert "It is the first version." in told
    assert "No difference is on record." in told
    assert "What is new in it" not in dossier_page(dossier(tmp_path))
