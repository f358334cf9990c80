"""A live version against its promise: what is called a regression, since when, and what is only unknown."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.spec import Learner
from ml_platform.stages.bounded_losses import bounded_losses
from ml_platform.stages.live_promise import Promise, promise_of
from ml_platform.stages.live_regression import Holds, Regressed, look_at_live
from ml_platform_tests.stages.rollouts import CHAMPION, SINCE, Fault, canary, label, prediction

SAID = {"kind": "lightgbm", "objective": "binary", "seed": 1, "threads": 1, "rounds": 1}
LOSS = bounded_losses(Learner.model_validate(SAID), (), usual=None)
PROMISE = Promise(errors=0.01, slow_seconds=0.03, scores=(0.005, 0.995), loss=0.18)


def live(rows: int, fault: Fault, *, weeks: int = 4, bad_weeks: int = 1) -> tuple[list[Prediction], dict[str, Label]]:
    """Return weeks of traffic, the last ones with a fault; outcomes come as fast as the answers."""
    made: list[Prediction] = []
    labels: dict[str, Label] = {}
    for week in range(weeks):
        bad = week >= weeks - bad_weeks
        served, came = canary(rows, 1.0 if bad else 0.0, fault, seed=week + 1)
        later = dt.timedelta(weeks=week)
        made += [
            dataclasses.replace(one, id=f"{week}/{one.id}", at=one.at + later, version=CHAMPION, route="live")
            for one in served
        ]
        for key, one in came.items():
            name = f"{week}/{key}"
            labels[name] = Label(prediction_id=name, label=one.label, at=SINCE + later)
    return made, labels


def looked(
    traffic: tuple[list[Prediction], dict[str, Label]], promise: Promise = PROMISE, rate: float = 0.05
) -> Regressed | Holds:
    return look_at_live(*traffic, promise, loss=LOSS, version=CHAMPION, since=SINCE, false_rollbacks_per_year=rate)


def test_a_version_that_keeps_its_promise_holds() -> None:
    found = looked(live(800, Fault()))
    assert isinstance(found, Holds)
    assert found.reasons == ()
    assert [one.metric for one in found.measurements] == [
        "live_error_excess", "live_slow_excess", "live_score_excess", "live_loss_excess",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "metric", "words"),
    [
        (Fault(failures=0.08), "live_error_excess", "% of the requests got no score, "),
        (Fault(slower=6.0), "live_slow_excess", "% of the answers took longer than "),
        (Fault(bent=40.0), "live_score_excess", "% of the scores lie where few of the holdout's did, 20.00% allowed"),
        (Fault(lies=0.9), "live_loss_excess", "the mean loss is 0."),
    ],
)
def test_what_breaks_the_promise_after_weeks_is_a_regression_since_then(fault: Fault, metric: str, words: str) -> None:
    found = looked(live(800, fault))
    assert isinstance(found, Regressed)
    (reason,) = [one for one in found.reasons if one.startswith(f"{metric}: ")]
    assert words in reason
    assert "allowed, since week 3 (n = " in reason
    assert reason.endswith(", 8.3 is needed")


def test_what_isnt_known_is_said_and_holds() -> None:
    found = looked(live(50, Fault(), weeks=1), Promise(errors=0.01))
    assert isinstance(found, Holds)
    assert found.reasons == (
        "not known: live_slow_excess: undefined (too few requests of a version before tell what is usual; n = 50)",
        "not known: live_score_excess: undefined (the evidence holds no scores; n = 50)",
        "not known: live_loss_excess: undefined (the evidence holds no mean loss with its upper bound; n = 25)",
    )
    nothing = looked(([], {}))
    assert isinstance(nothing, Holds)
    assert len(nothing.reasons) == 4


def test_only_what_the_version_answered_since_then_counts() -> None:
    bad = [
        prediction("early", -5, status=500),
        prediction("other", 5, version=7, status=500),
        prediction("nobody", 5, status=500, pair="x"),
        prediction("fine", 6),
    ]
    found = looked((bad, {}))
    assert found.measurements[0].n == 1


def test_a_clock_that_was_put_back_and_labels_that_are_none_break_nothing() -> None:
    served, labels = live(200, Fault(), weeks=2)
    first = next(iter(labels))
    labels["late"] = Label(prediction_id=first, label=7.0, at=SINCE)
    labels[first] = label(first)
    assert isinstance(looked((served, labels)), Holds)


@pytest.mark.parametrize("rate", [0.0, 1.5, float("nan")])
def test_a_rate_that_is_none_raises(rate: float) -> None:
    with pytest.raises(ValueError, match="false_rollbacks_per_year: is "):
        looked(([], {}), rate=rate)


def measured(metric: str, value: float | None, high: float | None) -> Measurement:
    return Measurement(metric=metric, value=value, n=100, low=0.0, high=high, reason="" if value else "none")


def test_a_promise_is_made_of_the_holdout_and_of_the_version_before() -> None:
    before = [
        prediction(str(row), row, latency=row / 1000, status=500 if row % 50 == 0 else 200) for row in range(1000)
    ]
    evidence = [measured("brier", 0.1, 0.12), measured("log_loss", 0.3, 0.4)]
    found = promise_of("binary", evidence, np.append(np.linspace(0, 1, 1001), np.nan), before=before)
    assert found.loss == 0.12
    assert found.scores == pytest.approx((0.005, 0.995))
    assert found.slow_seconds == pytest.approx(0.989, abs=0.001)
    assert 0.02 < found.errors < 0.04
    few = promise_of("binary", [], np.array([np.nan]), before=before[:999])
    assert few == Promise(errors=0.01)


def test_the_loss_promised_is_in_the_terms_of_the_bounded_losses() -> None:
    scores = np.array([0.5])
    assert promise_of("multiclass", [measured("multiclass_brier", 0.5, 0.6)], scores).loss == pytest.approx(0.3)
    numbers = promise_of("regression", [measured("mean_absolute_error", 5.0, 6.0)], scores)
    assert numbers.loss == pytest.approx(0.15)
    assert numbers.usual_loss == 5.0
    assert promise_of("quantile", [measured("pinball_loss", 0.0, 0.1)], scores).loss is None
    assert promise_of("binary", [measured("brier", 0.1, None)], scores).loss is None


def test_a_version_that_abstains_doesnt_fail_by_that() -> None:
    served, labels = live(800, Fault())
    silent = [
        dataclasses.replace(one, score=None) if one.status < 300 and at % 3 else one for at, one in enumerate(served)
    ]
    found = looked((silent, labels))
    assert isinstance(found, Holds)
    assert found.reasons == ()
