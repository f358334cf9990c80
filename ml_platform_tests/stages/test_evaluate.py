from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ml_platform.core.curves import Curves
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import (
    Candidate,
    EvaluationRecord,
    FeaturesRecord,
    ModelRecord,
    ReleaseRecord,
    SplitRecord,
)
from ml_platform.core.scoring import SCORING
from ml_platform.core.verdict import Outcome
from ml_platform.policy.judge import judge
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.shipped import shipped_policy
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.model_files import files_digest
from ml_platform.stages.parquet import parquet_bytes, read_parquet
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.toy import NOW, repository, stored, stored_split, toy_matrix, toy_rows, toy_spec


@dataclasses.dataclass(frozen=True)
class Trained:
    store: FakeStore
    spec: ModelSpec
    features: FeaturesRecord
    split: SplitRecord
    model: ModelRecord

    def evaluated(self, champion: ReleaseRecord | None = None, **changes: Any) -> Measured[EvaluationRecord]:
        said = {"profile": "fast", "model": self.model, "features": self.features, "split": self.split, **changes}
        return evaluate(self.spec, store=self.store, champion=champion, **said)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = repository(tmp_path_factory.mktemp("repository"))
    store, spec = FakeStore(root / "home"), toy_spec()
    features, split = stored(store, spec)
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    return Trained(store, spec, features, split, model)


@pytest.fixture(scope="module")
def evaluated(trained: Trained) -> Measured[EvaluationRecord]:
    return trained.evaluated(profile="full")


# Measured only where the model file declares expectations, what decisions cost, or what a subject could change.
EXPECTED = frozenset(
    {
        "edge_cases_missed",
        "adversarial_flip_share",
        "smallest_flipping_move",
        "largest_feasible_move",
        "invariance_broken_share",
        "invariance_broken_excess",
        "direction_broken_share",
        "direction_broken_excess",
        "expected_cost",
        "expected_cost_gain",
    }
)


def champion_of(model_digest: str, *, split_digest: str = "b" * 64) -> ReleaseRecord:
    digests = {each.name: "0" * 64 for each in dataclasses.fields(Candidate)}
    digests |= {"model_digest": model_digest, "split_digest": split_digest}
    return ReleaseRecord(
        model="toy",
        version=3,
        candidate=Candidate(**digests),
        evidence_digest="1" * 64,
        policy_digest="2" * 64,
        released_at=NOW,
        released_by="ann",
    )


def only(measured: Measured[EvaluationRecord], metric: str) -> Measurement:
    (found,) = [one for one in measured.measurements if one.metric == metric]
    return found


def test_every_metric_of_the_catalogue_is_measured_without_a_champion(evaluated: Measured[EvaluationRecord]) -> None:
    measured = {one.metric for one in evaluated.measurements}
    wanted = {
        name
        for name, metric in METRICS.items()
        if "evaluation" in metric.stages and "binary" in (metric.tasks or ("binary",))
    }
    # Looks are counted by whoever asks for the evaluation; intersections ask for a second column of groups.
    unasked = {
        "roc_auc_difference", "gain_over_champion", "slice_loss_against_champion", "loss_change_over_seeds",
        "holdout_looks", "intersection_selection_rate_ratio",
    }  # fmt: skip
    assert wanted - measured == unasked | (EXPECTED & wanted)
    assert measured <= wanted


def test_only_holdout_rows_are_measured_and_stored(evaluated: Measured[EvaluationRecord], trained: Trained) -> None:
    record = evaluated.record
    scores = read_parquet(trained.store.open("evaluations", record.digest, "scores.parquet"))
    matrix = toy_matrix(toy_rows())
    assert record.rows == len(scores) == only(evaluated, "roc_auc").n
    assert scores["row"].tolist() == np.flatnonzero(matrix.part == "holdout").tolist()
    assert scores["target"].tolist() == matrix.target[matrix.part == "holdout"].tolist()
    assert (scores["decision"] == (scores["score"] >= trained.model.threshold)).all()


def test_the_auc_is_that_of_the_stored_scores(evaluated: Measured[EvaluationRecord], trained: Trained) -> None:
    from sklearn.metrics import roc_auc_score

    scores = read_parquet(trained.store.open("evaluations", evaluated.record.digest, "scores.parquet"))
    auc = only(evaluated, "roc_auc")
    assert auc.value == pytest.approx(roc_auc_score(scores["target"], scores["score"]))
    assert evaluated.record.reference_auc == auc.value
    assert evaluated.record.reference_auc_se == auc.facts["standard_error"]


def test_what_is_stored_reads_back(evaluated: Measured[EvaluationRecord], trained: Trained) -> None:
    digest = evaluated.record.digest
    content = trained.store.read("evaluations", digest, "measurements.json")
    assert tuple(msgspec.json.decode(content, type=list[Measurement])) == evaluated.measurements
    curves = msgspec.json.decode(trained.store.read("evaluations", digest, "curves.json"), type=Curves)
    assert (curves.roc[0], curves.roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert sum(curves.negatives) + sum(curves.positives) == evaluated.record.rows
    assert sum(one.n for one in curves.calibration) == evaluated.record.rows
    assert sum(curves.importance.values()) == pytest.approx(1)
    assert curves.champion_roc == ()


def test_measuring_again_changes_nothing_and_says_so(evaluated: Measured[EvaluationRecord], trained: Trained) -> None:
    again = trained.evaluated(profile="full")
    assert again.record == evaluated.record
    assert again.measurements == evaluated.measurements
    assert again.unchanged


def test_the_training_run_is_told_what_holds_for_the_whole_holdout(trained: Trained) -> None:
    tracker = FakeTracker()
    measured = trained.evaluated(tracker=tracker)
    told = tracker.metrics[trained.model.run_id]
    assert told["roc_auc"] == measured.record.reference_auc
    assert "missing_feature_auc_drop" not in told


def test_a_champion_equal_to_the_candidate_differs_by_nothing(trained: Trained) -> None:
    measured = trained.evaluated(champion_of(trained.model.digest))
    found = only(measured, "roc_auc_difference")
    assert (found.value, found.facts["champion_version"]) == (0.0, 3)
    assert measured.record.champion_digest == trained.model.digest


def test_a_champion_with_other_feature_code_is_scored_with_its_own(trained: Trained) -> None:
    digest = altered(trained, "features.py", lambda source: source.replace(b'columns["load"] +', b'-columns["load"] +'))
    found = only(trained.evaluated(champion_of(digest)), "roc_auc_difference")
    assert found.value is not None
    assert found.value != 0


def test_a_champion_rebuilt_from_the_rows_scores_as_from_the_matrix(trained: Trained) -> None:
    digest = altered(trained, "features.py", lambda source: source + b"\n# another digest, the same features\n")
    assert only(trained.evaluated(champion_of(digest)), "roc_auc_difference").value == 0


def test_a_champion_whose_columns_are_gone_leaves_the_comparison_undecided(trained: Trained) -> None:
    digest = altered(
        trained,
        SCORING,
        lambda text: text.replace(b'"name":"wind"', b'"name":"sun"').replace(b'"code_digest":"', b'"code_digest":"0'),
    )
    found = only(trained.evaluated(champion_of(digest)), "roc_auc_difference")
    assert found.value is None
    assert "version 3 needs sun (number)" in found.reason


def test_an_altered_champion_leaves_the_comparison_undecided(trained: Trained) -> None:
    files = contents(trained)
    digest = files_digest(files)
    trained.store.put("models", "7" * 64, files)
    assert digest != "7" * 64
    found = only(trained.evaluated(champion_of("7" * 64)), "roc_auc_difference")
    assert (found.value, "can't be compared" in found.reason) == (None, True)


def test_a_champion_that_saw_the_holdout_is_neither_compared_nor_drawn(trained: Trained) -> None:
    measured = trained.evaluated(champion_of(trained.model.digest, split_digest=split_until(trained, "2024-04-20")))
    found = only(measured, "roc_auc_difference")
    assert found.value is None
    assert found.reason.startswith(
        "the live version v3 was trained and tuned on rows up to 2024-04-20, the holdout starts 2024-04-10"
    )
    curves = msgspec.json.decode(trained.store.read("evaluations", measured.record.digest, "curves.json"), type=Curves)
    assert curves.champion_roc == ()


def test_a_champion_made_before_the_holdout_is_compared_on_all_of_it(trained: Trained) -> None:
    champion = champion_of(trained.model.digest, split_digest=split_until(trained, "2024-02-01"))
    found = only(trained.evaluated(champion), "roc_auc_difference")
    assert (found.value, found.n, "rows_left_out" in found.facts) == (0.0, 200, False)


def test_a_champion_of_unknown_rows_leaves_the_comparison_undecided(trained: Trained) -> None:
    champion = champion_of(trained.model.digest, split_digest="0" * 64)
    found = only(trained.evaluated(champion), "roc_auc_difference")
    assert (found.value, "isn't in the store" in found.reason) == (None, True)


def split_until(trained: Trained, day: str) -> str:
    """Store the split of a champion whose holdout starts on a day, and return its digest."""
    return stored_split(trained.store, {"holdout": f"{day}T00:00:00+00:00", "end": "2024-06-01T00:00:00+00:00"})


def contents(trained: Trained) -> dict[str, bytes]:
    digest = trained.model.digest
    return {name: trained.store.read("models", digest, name) for name in trained.store.names("models", digest)}


def altered(trained: Trained, name: str, change: Any) -> str:
    """Store the trained model with one file changed, as another version that somebody once released."""
    files = contents(trained)
    after = change(files[name])
    assert after != files[name]
    files[name] = after
    if name == "features.py":
        files[SCORING] = files[SCORING].replace(b'"code_digest":"', b'"code_digest":"0')
    digest = files_digest(files)
    trained.store.put("models", digest, files)
    return digest


def test_parts_of_different_trainings_are_refused(trained: Trained) -> None:
    with pytest.raises(DataInvalid, match="its own holdout"):
        trained.evaluated(model=dataclasses.replace(trained.model, features_digest="9" * 64))
    with pytest.raises(DataInvalid, match="its own holdout"):
        trained.evaluated(split=dataclasses.replace(trained.split, digest="9" * 64))


def test_a_holdout_of_one_class_is_measured_as_undefined(tmp_path: Path, trained: Trained) -> None:
    from ml_platform.stages.matrix import matrix_frame

    matrix = toy_matrix(toy_rows())
    target = np.where(matrix.part == "holdout", 0.0, matrix.target)
    frame = matrix_frame(dataclasses.replace(matrix, target=target))
    files = {"matrix.parquet": parquet_bytes(frame)}
    files["state.json"] = trained.store.read("features", trained.features.digest, "state.json")
    trained.store.put("features", "8" * 64, files)
    features = dataclasses.replace(trained.features, digest="8" * 64)
    model = dataclasses.replace(trained.model, features_digest="8" * 64)
    measured = trained.evaluated(features=features, model=model)
    auc = only(measured, "roc_auc")
    assert (auc.value, "one class" in auc.reason) == (None, True)
    assert measured.record.reference_auc is None
    assert only(measured, "brier").value is not None


def test_without_groups_nothing_is_said_of_fairness(trained: Trained) -> None:
    from ml_platform.stages.matrix import matrix_frame

    matrix = dataclasses.replace(toy_matrix(toy_rows()), groups={})
    files = {"matrix.parquet": parquet_bytes(matrix_frame(matrix))}
    files["state.json"] = trained.store.read("features", trained.features.digest, "state.json")
    trained.store.put("features", "6" * 64, files)
    measured = trained.evaluated(
        features=dataclasses.replace(trained.features, digest="6" * 64),
        model=dataclasses.replace(trained.model, features_digest="6" * 64),
    )
    assert not [one for one in measured.measurements if one.metric == "selection_rate_ratio"]


def test_declared_costs_choose_the_threshold_and_are_measured(tmp_path: Path) -> None:
    root = repository(tmp_path)
    spec = toy_spec(deployment={"costs": {"false_positive": 1, "false_negative": 6}})
    store = FakeStore(root / "home")
    features, split = stored(store, spec)
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    assert model.threshold_rule.startswith("least cost (false positive 1, false negative 6, ")
    found = evaluate(spec, store=store, model=model, features=features, split=split)
    scores = read_parquet(store.open("evaluations", found.record.digest, "scores.parquet"))
    wrong = scores["target"] != scores["decision"]
    costs = np.where(scores["target"] == 1, 6 * wrong, 1 * wrong)
    assert only(found, "expected_cost").value == pytest.approx(costs.mean())
    assert only(found, "expected_cost_gain").facts["constant_cost"] == pytest.approx(
        min(6 * scores["target"].mean(), 1 - scores["target"].mean())
    )


@pytest.mark.parametrize("where", ["everywhere", "holdout"])
def test_a_feature_without_any_value_is_measured_like_any_other(tmp_path: Path, where: str) -> None:
    root = repository(tmp_path)
    store, spec = FakeStore(root / "home"), toy_spec()
    matrix = toy_matrix(toy_rows())
    values = matrix.values.copy()
    values[np.ones(len(values), dtype=bool) if where == "everywhere" else matrix.part == "holdout", 1] = np.nan
    features, split = stored(store, spec, matrix=dataclasses.replace(matrix, values=values))
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    found = evaluate(spec, store=store, model=model, features=features, split=split)
    for one in found.measurements:
        assert one.value is not None or one.reason, one
    assert only(found, "roc_auc").value is not None
    dropped = [one for one in found.measurements if one.metric == "missing_feature_auc_drop"]
    assert matrix.names[1] in {one.subject for one in dropped}


def test_a_fast_evaluation_is_missing_evidence_and_no_failure(trained: Trained) -> None:
    found = only(trained.evaluated(), "evaluated_in_full")
    assert (found.value, found.facts["profile"]) == (None, "fast")
    (verdict,) = [
        one
        for one in judge(shipped_policy("limited"), "evaluation", [found], conditions=frozenset(), now=NOW)
        if one.gate == "candidate_is_evaluated_in_full"
    ]
    assert (verdict.outcome, verdict.closes) == (Outcome.UNDECIDED, True)
