"""How much of a result is the seed's or chance's work, and whether more rows would help."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.policy.by_chance import NOTHING
from ml_platform.policy.spec import CalibrationMethod
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.probes import chance
from ml_platform.stages.probes import refit as refitting
from ml_platform.stages.probes.chance import DEALT, measure_chance
from ml_platform.stages.probes.learning_curve import learning_curve
from ml_platform.stages.probes.probe import probe
from ml_platform.stages.probes.refit import is_whole, refit, taught
from ml_platform.stages.probes.seeds import Reseeded, measure_gain, measure_seeds, reseed, seed_losses
from ml_platform.stages.probes.subject import Subject
from ml_platform_tests.stages.probes.world import LEARNER, trained_in, with_target
from ml_platform_tests.stages.test_task_measures import CLASSES
from ml_platform_tests.stats.reading import value_of

LUCK = {
    "seed_flip_share", "seed_luck", "permutation_p_value", "loss_saved_by_last_doubling", "loss_saved_by_next_doubling",
}  # fmt: skip


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return trained_in(tmp_path_factory.mktemp("probed"), learner=LEARNER)


@pytest.fixture(scope="module")
def reseeded(subject: Subject) -> Reseeded:
    found = reseed(subject)
    assert isinstance(found, Reseeded)
    return found


def one(found: list[Measurement], metric: str) -> Measurement:
    (measurement,) = [each for each in found if each.metric == metric]
    return measurement


def task_of(subject: Subject, task: str) -> Subject:
    """Return the subject as one of another task, with outcomes of it; its holdout is scored anew."""
    load = subject.matrix.column("load") + np.random.default_rng(2).normal(scale=0.7, size=len(subject.matrix.values))
    target = np.digitize(load, [-0.5, 0.5]).astype(float) if task == "multiclass" else load
    contract = subject.spec.contract
    if task == "multiclass":
        late = contract["late"].model_copy(update={"type": "category", "levels": CLASSES})
        contract = {**contract, "late": late}
    said = {"objective": task, "quantile": 0.8 if task == "quantile" else None}
    spec = subject.spec.model_copy(
        update={"learner": subject.spec.learner.model_copy(update=said), "contract": contract}
    )
    other = with_target(dataclasses.replace(subject, spec=spec), target)
    return dataclasses.replace(other, holdout=refit(other, taught(other)))


def test_a_refit_on_the_same_rows_with_the_same_seed_is_the_model(subject: Subject) -> None:
    assert is_whole(subject)
    again = refit(subject, taught(subject))
    assert again.model_text.split("parameters:")[0] == subject.holdout.model_text.split("parameters:")[0]
    assert again.score.tobytes() == subject.holdout.score.tobytes()
    assert again.threshold == subject.holdout.threshold


def test_other_seeds_change_some_decisions_and_the_own_one_isnt_lucky(subject: Subject, reseeded: Reseeded) -> None:
    found = list(measure_seeds(subject, reseeded))
    flips, luck = one(found, "seed_flip_share"), one(found, "seed_luck")
    expected = np.mean([other.decision != subject.holdout.decision for other in reseeded.others])
    assert flips.value == pytest.approx(expected)
    assert flips.value is not None
    assert flips.value > 0
    assert (flips.n, flips.facts["seeds"], flips.facts["trained_on"]) == (200, 3, 600)
    assert luck.high is not None
    assert luck.high > -0.02
    means = [float(losses_of(subject.spec, part).mean()) for part in (reseeded.own, *reseeded.others)]
    assert luck.value == pytest.approx(means[0] / np.mean(means[1:]) - 1)
    assert [seed.loss for seed in seed_losses(subject, reseeded)] == pytest.approx(means)
    assert [seed.own for seed in seed_losses(subject, reseeded)] == [True, False, False, False]


def test_a_seed_that_did_better_than_all_others_is_called_lucky(subject: Subject, reseeded: Reseeded) -> None:
    own = subject.holdout
    better = dataclasses.replace(own, score=np.where(own.target == 1, own.score**0.8, own.score**1.25))
    luck = one(list(measure_seeds(subject, dataclasses.replace(reseeded, own=better))), "seed_luck")
    assert luck.high is not None
    assert luck.high < -0.02


def test_where_nothing_is_drawn_by_chance_no_seed_is_called_harmless(tmp_path_factory: pytest.TempPathFactory) -> None:
    plain = trained_in(tmp_path_factory.mktemp("plain"))
    again = reseed(plain)
    assert isinstance(again, Reseeded)
    assert [(found.value, found.reason) for found in measure_seeds(plain, again)] == [(None, NOTHING)] * 2
    assert seed_losses(plain, again) == ()
    assert measure_gain(dataclasses.replace(plain, rival=plain.holdout.score), again).value == 0


@pytest.mark.parametrize(
    ("task", "metric"),
    [("multiclass", "seed_flip_share"), ("regression", "seed_change_share"), ("quantile", "seed_change_share")],
)
def test_every_task_is_probed(subject: Subject, task: str, metric: str) -> None:
    other = task_of(subject, task)
    probed = probe(other)
    found = {measurement.metric: measurement for measurement in probed.measurements}
    assert {metric, "seed_luck", "permutation_p_value", "loss_saved_by_last_doubling"} <= found.keys()
    assert 0 < value_of(found[metric]) < 0.5
    assert found["permutation_p_value"].value == 1 / 40
    assert probed.probes.learning_curve is not None


def test_predictions_without_error_cant_be_compared(subject: Subject) -> None:
    other = task_of(subject, "regression")
    exact = dataclasses.replace(other.holdout, score=other.holdout.target)
    found = one(list(measure_seeds(other, Reseeded(own=exact, others=(exact,)))), "seed_change_share")
    assert (found.value, found.reason) == (None, "the model makes no error that a change could be compared with")


def test_more_rows_than_a_refit_takes_are_compared_among_refits(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refitting, "MOST_ROWS", 300)
    assert not is_whole(subject)
    found = reseed(subject)
    assert isinstance(found, Reseeded)
    assert found.own.score.tobytes() != subject.holdout.score.tobytes()
    assert one(list(measure_seeds(subject, found)), "seed_luck").facts["trained_on"] == 300


def test_the_loss_falls_with_the_rows_and_the_last_doubling_is_measured_by_row(subject: Subject) -> None:
    whole = losses_of(subject.spec, subject.holdout)
    found = learning_curve(subject, whole)
    assert found.curve is not None
    assert [point.rows for point in found.curve.points] == [75, 150, 300, 600]
    losses = [point.loss for point in found.curve.points]
    assert losses[0] > losses[-1]
    assert losses[-1] == pytest.approx(float(whole.mean()))
    half = losses_of(subject.spec, refit(subject, taught(subject, 0.5)))
    assert found.measurements[0].value == pytest.approx(1 - whole.mean() / half.mean())
    assert found.measurements[0].low is not None
    assert found.measurements[0].high is not None
    assert found.measurements[0].low < found.measurements[0].high


def test_another_doubling_is_forecast_with_an_interval(subject: Subject) -> None:
    found = learning_curve(subject, losses_of(subject.spec, subject.holdout))
    ahead = found.measurements[1]
    assert found.curve is not None
    assert (ahead.metric, ahead.n) == ("loss_saved_by_next_doubling", 200)
    drawn = found.curve.next_low, found.curve.next_doubling_would_save, found.curve.next_high
    assert drawn == (ahead.low, ahead.value, ahead.high)
    assert (ahead.low or 0) < (ahead.value or 0) < (ahead.high or 0)


def test_what_is_learned_is_beyond_chance_and_nothing_is_learned_from_noise(subject: Subject) -> None:
    found = measure_chance(subject)
    assert found.value == 1 / (1 + DEALT)
    assert isinstance(found.facts["loss"], float)
    assert isinstance(found.facts["smallest_permuted_loss"], float)
    assert found.facts["loss"] < found.facts["smallest_permuted_loss"]
    noise = np.random.default_rng(0).permutation(subject.matrix.target)
    nothing = measure_chance(with_target(subject, noise))
    assert nothing.value is not None
    assert nothing.value > 0.05


@pytest.mark.parametrize("calibration", [None, "none", "isotonic", "platt"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_trainings_that_learn_nothing_are_measured_with_every_calibration(
    subject: Subject, calibration: CalibrationMethod | None, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chance, "DEALT", 12)
    monkeypatch.setattr(chance, "ROUNDS", 5)
    given = subject if task == "binary" else task_of(subject, task)
    learner = given.spec.learner.model_copy(update={"calibration": calibration})
    asked = dataclasses.replace(given, spec=given.spec.model_copy(update={"learner": learner}))
    noise = np.random.default_rng(0).permutation(asked.matrix.target)
    learned, nothing = measure_chance(asked), measure_chance(with_target(asked, noise))
    assert learned.value == 1 / 13
    assert nothing.value is not None
    assert nothing.value > 0.05


@pytest.mark.parametrize("calibration", ["isotonic", "platt"])
def test_other_probes_of_a_model_that_ranks_nothing_are_measured_too(
    subject: Subject, calibration: CalibrationMethod
) -> None:
    learner = subject.spec.learner.model_copy(update={"calibration": calibration, "rounds": 5})
    rule = subject.spec.deployment.model_copy(update={"selected_share": None, "precision_at_least": 0.99})
    spec = subject.spec.model_copy(update={"learner": learner, "deployment": rule})
    noise = np.random.default_rng(1).permutation(subject.matrix.target)
    asked = with_target(dataclasses.replace(subject, spec=spec), noise)
    own = refit(asked, taught(asked))
    asked = dataclasses.replace(asked, holdout=own)
    reseeded = reseed(asked)
    assert isinstance(reseeded, Reseeded)
    assert one(list(measure_seeds(asked, reseeded)), "seed_flip_share").value is not None
    assert learning_curve(asked, losses_of(spec, own)).curve is not None


def test_a_champion_is_compared_with_the_seeds_luck_in_the_interval(subject: Subject, reseeded: Reseeded) -> None:
    worse = dataclasses.replace(subject, rival=np.full(subject.holdout.target.size, subject.holdout.target.mean()))
    gain = measure_gain(worse, reseeded)
    assert gain.value is not None
    assert gain.high is not None
    assert gain.value < gain.high < 0
    assert one(list(probe(worse, champion=True).measurements), "loss_change_over_seeds") == gain


def test_a_champion_that_cant_be_compared_leaves_the_gain_undefined(subject: Subject, reseeded: Reseeded) -> None:
    said = "the champion has no scores that can be compared on all rows"
    assert (measure_gain(subject, reseeded).value, measure_gain(subject, reseeded).reason) == (None, said)
    assert measure_gain(subject, "no rows").reason == "no rows"
    assert "loss_change_over_seeds" not in {found.metric for found in probe(subject).measurements}


def test_fewer_holdout_rows_keep_the_champions_scores_beside_their_rows(subject: Subject) -> None:
    few = dataclasses.replace(subject, rival=subject.holdout.score).fewer(50)
    assert few.rival is not None
    assert few.rival.tobytes() == few.holdout.score.tobytes()
    assert few.holdout.target.size == 50


def test_rows_that_cant_be_learned_from_are_said(subject: Subject) -> None:
    one_class = with_target(subject, np.where(subject.matrix.part == "train", 1.0, subject.matrix.target))
    probed = probe(one_class)
    found = [each for each in probed.measurements if each.metric in LUCK]
    assert len(found) == 5
    assert {measurement.value for measurement in found} == {None}
    assert all("training rows: " in measurement.reason for measurement in found)
    assert (probed.probes.seeds, probed.probes.learning_curve) == ((), None)
