"""Every task end to end on toy rows: trained, evaluated, compared with a champion, drawn, and kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, true_positive_rate_difference
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ml_platform.core.curves import ClassCurves, NumberCurves
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import EvaluationRecord, FeaturesRecord, ModelRecord, SplitRecord
from ml_platform.policy.by_chance import NOTHING
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.spec import ModelSpec, Task
from ml_platform.reports.content import kind_of_curves
from ml_platform.stages.contrasts import contrasts
from ml_platform.stages.dominance import measure_dominance
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.features import read_matrix
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.measure_numbers import coverage_error
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stages.simple_model import simple_predictions
from ml_platform.stages.task_measures import measures_of
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.test_evaluate import EXPECTED, champion_of
from ml_platform_tests.stages.toy import NOW, repository, stored, stored_split, toy_matrix, toy_rows, toy_spec

NEW = ("multiclass", "regression", "quantile")
CLASSES = ("early", "late", "lost")
LOSSES = {"multiclass": "multiclass_log_loss", "regression": "mean_absolute_error", "quantile": "pinball_loss"}


def spec_of(task: str) -> ModelSpec:
    base = toy_spec().model_dump(mode="json", exclude_none=True)
    target = {"type": "category", "levels": CLASSES} if task == "multiclass" else {"type": "number"}
    contract = {**base["contract"], "late": {**target, "role": "target"}}
    learner = {**base["learner"], "objective": task, **({"quantile": 0.8} if task == "quantile" else {})}
    return toy_spec(contract=contract, learner=learner, deployment={})


def matrix_of(task: str, n: int = 1200) -> Matrix:
    """Return the toy rows with a target of the task that follows from load and site."""
    matrix = toy_matrix(toy_rows(n))
    rng = np.random.default_rng(3)
    number = 10 + 3 * matrix.column("load") + 2 * (matrix.column("site") == 1) + rng.normal(size=n)
    target = np.digitize(number, [8.0, 13.0]).astype(np.float64) if task == "multiclass" else number
    return dataclasses.replace(matrix, target=target)


@dataclasses.dataclass(frozen=True)
class Made:
    store: FakeStore
    spec: ModelSpec
    features: FeaturesRecord
    split: SplitRecord
    model: ModelRecord
    measured: Measured[EvaluationRecord]

    def all_of(self, metric: str) -> list[Measurement]:
        return [one for one in self.measured.measurements if one.metric == metric]


@pytest.fixture(scope="module", params=NEW)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    root: Path = repository(tmp_path_factory.mktemp("repository"))
    store, spec = FakeStore(root / "home"), spec_of(request.param)
    features, split = stored(store, spec, matrix=matrix_of(request.param))
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    digest = stored_split(store, {"holdout": "2024-01-02T00:00:00+00:00", "end": "2024-01-03T00:00:00+00:00"})
    champion = champion_of(model.digest, split_digest=digest)
    measured = evaluate(spec, store=store, model=model, features=features, split=split, champion=champion)
    return Made(store, spec, features, split, model, measured)


def test_every_metric_of_the_task_is_measured_and_no_other(made: Made) -> None:
    task = made.spec.learner.task
    wanted = (
        {
            name
            for name, metric in METRICS.items()
            if "evaluation" in metric.stages and (not metric.tasks or task in metric.tasks)
        }
        - EXPECTED
        - {"holdout_looks", "intersection_group_loss_gap"}
    )  # counted by who asks; asks for a second column of groups
    assert {one.metric for one in made.measured.measurements} == wanted
    undefined = {one.metric: one.reason for one in made.measured.measurements if one.value is None}
    few = undefined.pop("slice_loss_against_champion", "no slice has 100 rows")
    assert few.startswith("no slice has 100 rows")
    assert set(undefined.values()) <= {NOTHING}
    assert set(undefined) <= {"seed_flip_share", "seed_change_share", "seed_luck"}


def test_the_model_does_better_than_a_constant_and_as_its_own_champion(made: Made) -> None:
    (constant,) = made.all_of("loss_against_constant")
    assert constant.high is not None
    assert constant.high < 0
    (champion,) = made.all_of("loss_against_champion")
    assert champion.value == 0
    assert champion.facts["champion_version"] == 3


def test_the_record_holds_the_loss_that_live_windows_are_compared_with(made: Made) -> None:
    record = made.measured.record
    (loss,) = made.all_of(LOSSES[made.spec.learner.task])
    assert made.measured.measurements[0] == loss
    assert (record.reference_auc, record.reference_loss) == (None, loss.value)
    assert record.reference_loss_se == loss.facts["standard_error"]


def test_scores_and_curves_are_kept_in_the_tasks_form(made: Made) -> None:
    digest, task = made.measured.record.digest, made.spec.learner.task
    scores = read_parquet(made.store.open("evaluations", digest, "scores.parquet"))
    curves = msgspec.json.decode(made.store.read("evaluations", digest, "curves.json"), type=kind_of_curves(task))
    if isinstance(curves, ClassCurves):
        probabilities = scores[[f"score_{code}" for code in range(3)]].to_numpy()
        assert (scores["decision"] == probabilities.argmax(axis=1)).all()
        assert np.allclose(probabilities.sum(axis=1), 1)
        assert sum(sum(row) for row in curves.confusion) == len(scores)
        assert curves.classes == CLASSES
    else:
        assert isinstance(curves, NumberCurves)
        assert (scores["decision"] == scores["score"]).all()
        assert sum(curves.errors) == sum(each.n for each in curves.predicted) == len(scores)


def test_slices_groups_and_robustness_cover_the_same_rows_as_before(made: Made) -> None:
    (whole,) = made.all_of("slice_loss_change")  # the toy's slices are too small and make one pool, which cuts nothing
    assert (whole.subject, whole.n) == ("all rows", made.measured.record.rows)
    assert whole.value == pytest.approx(0)
    assert [one.subject for one in made.all_of("group_loss_gap")] in (["crew=a vs crew=b"], ["crew=b vs crew=a"])
    missing = {one.subject: one.value or 0 for one in made.all_of("missing_feature_loss_change")}
    assert max(missing, key=lambda name: missing[name]) in {"load", "both"}


def test_each_class_is_measured_against_all_others_and_by_group_as_libraries_measure_it(made: Made) -> None:
    classes = CLASSES if made.spec.learner.task == "multiclass" else ()
    scores = read_parquet(made.store.open("evaluations", made.measured.record.digest, "scores.parquet"))
    crew = read_matrix(made.store, made.features).part_of("holdout").groups["crew"]
    assert [one.subject for one in made.all_of("class_roc_auc")] == list(classes)
    gaps = ("class_selection_rate_difference", "class_recall_difference")
    assert {len(made.all_of(metric)) for metric in gaps} == {len(classes)}  # two crews are one comparison per class
    for code, name in enumerate(classes):
        came, decided = scores["target"] == code, scores["decision"] == code
        area = made.all_of("class_roc_auc")[code]
        assert area.value == pytest.approx(roc_auc_score(came, scores[f"score_{code}"]))
        expected = (
            demographic_parity_difference(came, decided, sensitive_features=crew),
            true_positive_rate_difference(came, decided, sensitive_features=crew),
        )
        for metric, value in zip(gaps, expected, strict=True):
            gap = made.all_of(metric)[code]
            assert gap.value == pytest.approx(value)
            assert gap.subject.startswith(f"{name}: crew=")
            assert gap.facts["class"] == name


@pytest.mark.parametrize("task", NEW)
def test_a_leak_dominates_whatever_is_predicted(task: str) -> None:
    matrix = matrix_of(task)
    leak = matrix.target + np.random.default_rng(1).normal(scale=0.05, size=matrix.target.size)
    values = np.column_stack([matrix.values, leak])
    leaking = dataclasses.replace(matrix, values=values, names=(*matrix.names, "leak"))
    found = max(measure_dominance(spec_of(task), leaking), key=lambda one: one.low or 0.0)
    assert found.subject == "leak"


@pytest.mark.parametrize(("task", "target"), [("multiclass", [0.0, 1.0]), ("regression", [3.0]), ("quantile", [3.0])])
def test_outcomes_that_hardly_differ_tell_nothing_of_dominance(task: str, target: list[float]) -> None:
    matrix = matrix_of(task)
    same = dataclasses.replace(matrix, target=np.resize(np.array(target), matrix.target.size))
    (found,) = measure_dominance(spec_of(task), same)
    assert found.value is None


def test_each_class_is_a_question_and_a_number_is_one() -> None:
    asked = dict(contrasts(spec_of("multiclass"), matrix_of("multiclass")))
    assert tuple(asked) == CLASSES
    assert sum(each.target.sum() for each in asked.values()) == 1200
    ((question, above),) = contrasts(spec_of("regression"), matrix_of("regression"))
    assert question == "above the median"
    assert above.target.mean() == pytest.approx(0.5)


def scored(task: str, score: NDArray[np.float64]) -> ScoredPart:
    """Return a part whose scores are given, by a model that can't be asked."""
    from ml_platform.learners.scorer import Scorer

    return ScoredPart(matrix=matrix_of(task), score=score, threshold=None, scorer=Scorer(""), threads=1)


def test_a_part_without_a_threshold_makes_no_binary_decision() -> None:
    part = scored("regression", np.zeros(1200))
    with pytest.raises(ValueError, match="has no threshold"):
        part.decision.any()


@pytest.mark.parametrize("task", get_args(Task))
def test_every_task_has_its_measures_and_its_comparison(task: Task) -> None:
    found = measures_of(task)
    assert found.compared in METRICS
    assert task in METRICS[found.compared].tasks


def test_coverage_is_told_as_its_distance_from_the_quantile() -> None:
    found = coverage_error(Measurement(metric="coverage", value=0.85, low=0.8, high=None, n=10), 0.9)
    assert (found.metric, found.high, found.facts["quantile"]) == ("coverage_error", None, 0.9)
    assert found.value == pytest.approx(-0.05)
    assert found.low == pytest.approx(-0.1)


def test_the_simple_models_predict_in_the_form_of_the_models_scores() -> None:
    for task in NEW:
        matrix, spec = matrix_of(task), spec_of(task)
        learned, rest = matrix.part_of("train"), matrix.rows_of(matrix.part != "train")
        found = simple_predictions(spec.learner, learned, rest, classes=len(spec.classes))
        assert found is not None
        if task == "multiclass":
            assert found.shape == (rest.target.size, 3)
            assert np.allclose(found.sum(axis=1), 1)
            assert (found.argmax(axis=1) == rest.target).mean() > 0.7
        else:
            covered = (rest.target <= found).mean()
            assert covered == pytest.approx(0.8 if task == "quantile" else 0.5, abs=0.1)


def test_a_class_that_was_never_seen_leaves_no_simple_model() -> None:
    matrix = matrix_of("multiclass")
    without = dataclasses.replace(matrix, target=np.minimum(matrix.target, 1.0))
    spec = spec_of("multiclass")
    assert simple_predictions(spec.learner, without, without, classes=3) is None
