"""Every metric of the catalogue against somebody else's implementation, on the columns of the contract suite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, count, selection_rate, true_positive_rate
from fairlearn.metrics import false_positive_rate as fallout
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance
from sklearn import metrics as sklearn
from statsmodels.api import GLM, Logit, add_constant, families
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint

from ml_platform.stats import CATALOGUE
from ml_platform.stats.auc_detectable_difference import auc_detectable_difference
from ml_platform.stats.histogram_edges import histogram_edges
from ml_platform.stats.mean_detectable_growth import mean_detectable_growth
from ml_platform_tests.stats.cases import CASES, COSTS, columns, measure
from ml_platform_tests.stats.reading import bounds_of, fact_of, value_of

Column = NDArray[Any]
Oracle = Callable[..., float]
Group = Callable[[pd.Series, str, str], float]


def logits(score: Column) -> Column:
    """Return log-odds as the calibration statistics clip them."""
    return np.asarray(stats.logistic.ppf(np.clip(score, 1e-6, 1 - 1e-6)))


def intercept(y: Column, score: Column) -> float:
    """Fit a constant beside the score's log-odds."""
    return float(GLM(y, np.ones((y.size, 1)), family=families.Binomial(), offset=logits(score)).fit().params[0])


def psi(reference: Column, current: Column) -> float:
    """Return the sum of both relative entropies of the shares in the same bins, none of which is empty on one side."""
    edges = np.concatenate([[-np.inf], histogram_edges(reference, 10), [np.inf]])
    counts = [np.append(np.histogram(column, edges)[0], 0) for column in (reference, current)]
    old, new = (found[counts[0] + counts[1] > 0] for found in counts)
    return float(stats.entropy(old, new) + stats.entropy(new, old))


def plain_calibration_error(y: Column, score: Column) -> float:
    """Return the plain calibration error over ten bins of equally many rows."""
    rows = pd.DataFrame({"y": y, "score": score, "bin": pd.qcut(score, 10, labels=False)})
    means = rows.groupby("bin").agg(y=("y", "mean"), score=("score", "mean"), n=("y", "size"))
    return float((means["n"] * (means["y"] - means["score"]).abs()).sum() / len(rows))


def lift(y: Column, score: Column) -> float:
    """Return how often the twenty highest of two hundred are positive, over how often all are."""
    return float(pd.Series(y, index=score).sort_index(ascending=False).head(20).mean() / y.mean())


def dominance(full: Column, without: Column, none: Column) -> float:
    """Return the lost part of McFadden's pseudo R squared."""
    explained, rest = (1 - one.sum() / none.sum() for one in (full, without))
    return float((explained - max(rest, 0.17)) / max(explained, 0.17))


def cost(y: Column, made: Column) -> float:
    """Return scikit-learn's confusion matrix times the costs."""
    return float((sklearn.confusion_matrix(y, made, normalize="all", labels=[0, 1]) * COSTS).sum())


def classes_of(*given: Column) -> pd.Series:
    """Return each row's class size: the rows that are equal to it in all columns."""
    frame = pd.DataFrame(dict(enumerate(given)))
    return frame.groupby(list(frame), dropna=False)[0].transform("size")


# One value per metric; those of groups and of tables of probabilities are below.
VALUES: dict[str, Oracle] = {
    "accuracy": sklearn.accuracy_score,
    "average_precision": sklearn.average_precision_score,
    "balanced_accuracy": sklearn.balanced_accuracy_score,
    "bias": lambda true, made: float(np.mean(stats.ttest_rel(made, true).confidence_interval())),
    "bias_share": lambda true, made: float(np.sum(made - true) / (true.size * sklearn.mean_absolute_error(true, made))),
    "brier": sklearn.brier_score_loss,
    "calibration_intercept": intercept,
    "calibration_slope": lambda y, score: Logit(y, add_constant(logits(score))).fit(disp=0).params[1],
    "class_accuracy": sklearn.accuracy_score,
    "completeness": lambda *given: len(pd.DataFrame(dict(enumerate(given))).dropna()) / given[0].size,
    "coverage": lambda true, made: float(stats.percentileofscore(made - true, 0, kind="strict") / -100 + 1),
    "duplicate_share": lambda keys: float(pd.Series(keys).duplicated().mean()),
    "expected_cost": cost,
    "expected_cost_gain": lambda y, made: min(cost(y, y * 0), cost(y, y * 0 + 1)) - cost(y, made),
    "f1": sklearn.f1_score,
    "generalisation_gap": lambda y, score, other_y, other_score: (
        sklearn.roc_auc_score(y, score) - sklearn.roc_auc_score(other_y, other_score)
    ),
    "k_anonymity": lambda *given: float(classes_of(*given).min()),
    "kolmogorov_smirnov": lambda old, new: stats.ks_2samp(old, new).statistic,
    "largest_absolute_difference": distance.chebyshev,
    "lift": lift,
    "log_loss": sklearn.log_loss,
    "loss_change": lambda now, before: float(np.average(now) / np.average(before) - 1),
    "loss_change_over_seeds": lambda now, before: float(np.average(now) / np.average(before) - 1),
    "macro_f1": lambda true, made: sklearn.f1_score(true, made, average="macro"),
    "macro_precision": lambda true, made: sklearn.precision_score(true, made, average="macro"),
    "macro_recall": sklearn.balanced_accuracy_score,
    "mean_absolute_error": sklearn.mean_absolute_error,
    "median_absolute_error": sklearn.median_absolute_error,
    "missing_share": lambda column: float(pd.Series(column).isna().mean()),
    "missing_share_difference": lambda old, new: float(pd.Series(new).isna().mean() - pd.Series(old).isna().mean()),
    "out_of_range_share": lambda column: float(1 - pd.Series(column).between(-1, 1).mean()),
    "overlap_share": lambda a, b: float(pd.Series(b).isin(a).mean()),
    "pinball_loss": lambda true, made: sklearn.mean_pinball_loss(true, made, alpha=0.9),
    "precision": sklearn.precision_score,
    "prediction_flip_share": sklearn.zero_one_loss,
    "psi": psi,
    "r_squared": sklearn.r2_score,
    "rank_dependence": lambda cause, effect: stats.chatterjeexi(cause, effect).statistic,
    "recall": sklearn.recall_score,
    "roc_auc": sklearn.roc_auc_score,
    "roc_auc_change": lambda y, score: sklearn.roc_auc_score(y, score) - 0.8,
    "roc_auc_difference": lambda y, a, b: sklearn.roc_auc_score(y, a) - sklearn.roc_auc_score(y, b),
    "root_mean_squared_error": sklearn.root_mean_squared_error,
    "score_change": sklearn.mean_absolute_error,
    "single_feature_auc": lambda feature, y: max(sklearn.roc_auc_score(y, side * feature) for side in (1, -1)),
    "small_class_share": lambda *given: float((classes_of(*given) < 5).mean()),
    "total_variation": lambda old, new: distance.cityblock(*_shares(old, new)) / 2,
    "unseen_share": lambda known, new: float((~pd.Series(new).isin(known)).mean()),
    "feature_dominance": dominance,
}

# Per metric: what Fairlearn measures in each group, and of which columns.
OF_GROUPS: dict[str, Callable[..., pd.Series]] = {
    "false_positive_rate_difference": lambda y, made, group: _by_group(fallout, y, made, group),
    "group_accuracy_gap": lambda y, made, group: _by_group(sklearn.accuracy_score, y, made, group),
    "group_auc_gap": lambda y, score, group: _by_group(sklearn.roc_auc_score, y, score, group),
    "group_bias_gap": lambda y, made, group: (
        pd.Series(made - y).groupby(group).mean() / sklearn.mean_absolute_error(y, made)
    ),
    "group_loss_gap": lambda losses, group: pd.Series(losses).groupby(group).mean() / losses.mean(),
    "selection_rate_difference": lambda made, group: _by_group(selection_rate, made, made, group),
    "selection_rate_ratio": lambda made, group: _by_group(selection_rate, made, made, group),
    "true_positive_rate_difference": lambda y, made, group: _by_group(true_positive_rate, y, made, group),
}

ELSEWHERE = {
    "age_seconds": "datetime's own subtraction: test_data.py",
    "auc_detectable_difference": "the paper's example, below",
    "expected_calibration_error": "its plain error by pandas, below",
    "macro_roc_auc": "scikit-learn: test_classes.py",
    "mean_detectable_growth": "statsmodels' power, below",
    "multiclass_brier": "scikit-learn: test_classes.py",
    "multiclass_log_loss": "scikit-learn: test_classes.py",
    "outcome_told_by_missing": "statsmodels' bound of a rate, below",
    "row_count": "it counts",
    "top_label_calibration_error": "the error of two classes, which it calls: test_classes.py",
}


def _by_group(metric: Callable[..., float], y: Column, made: Column, group: Column) -> pd.Series:
    frame = MetricFrame(metrics={"it": metric, "n": count}, y_true=y, y_pred=made, sensitive_features=group)
    found: pd.Series = frame.by_group["it"]
    return found


def _shares(old: Column, new: Column) -> tuple[Column, Column]:
    names = sorted({*old, *new})
    found = [pd.Series(column).value_counts(normalize=True).reindex(names, fill_value=0) for column in (old, new)]
    return found[0].to_numpy(), found[1].to_numpy()


def test_every_metric_of_the_catalogue_has_an_oracle() -> None:
    assert {*VALUES, *OF_GROUPS, *ELSEWHERE} == set(CATALOGUE)
    assert not {*VALUES} & {*OF_GROUPS, *ELSEWHERE}


@pytest.mark.parametrize("metric", sorted(VALUES))
def test_the_value_is_that_of_another_implementation(metric: str) -> None:
    given = columns(metric)
    (found,) = measure(metric, given)
    assert value_of(found) == pytest.approx(VALUES[metric](*given), abs=1e-9)


@pytest.mark.parametrize("metric", sorted(OF_GROUPS))
def test_groups_are_as_far_apart_as_in_fairlearn(metric: str) -> None:
    given = columns(metric)
    rates = OF_GROUPS[metric](*given)
    found = measure(metric, given)
    assert len(found) == rates.size - 1
    for one in found:
        mine, reference = (rates[name] for name in one.subject.split(" vs "))
        expected = min(mine / reference, reference / mine) if metric.endswith("ratio") else abs(mine - reference)
        assert value_of(one) == pytest.approx(expected)


SHARES = (
    "accuracy", "class_accuracy", "completeness", "coverage", "missing_share", "out_of_range_share", "precision",
    "prediction_flip_share", "recall", "unseen_share",
)  # fmt: skip


@pytest.mark.parametrize("metric", SHARES)
def test_the_interval_of_a_share_is_wilsons_in_statsmodels(metric: str) -> None:
    (found,) = measure(metric, columns(metric))
    expected = proportion_confint(round(value_of(found) * found.n), found.n, method="wilson")
    assert bounds_of(found) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", ["bias", "brier", "log_loss", "score_change"])
def test_the_interval_of_a_mean_is_students_in_scipy(metric: str) -> None:
    one, other = columns(metric)
    match metric:
        case "bias":
            rows = other - one
        case "brier":
            rows = (other - one) ** 2
        case "log_loss":
            rows = -np.log(np.where(one == 1, other, 1 - other))
        case _:
            rows = np.abs(other - one)
    (found,) = measure(metric, [one, other])
    assert bounds_of(found) == pytest.approx(stats.t.interval(0.95, rows.size - 1, rows.mean(), stats.sem(rows)))


def test_the_plain_calibration_error_is_that_of_equal_bins_in_pandas() -> None:
    y, score = columns("expected_calibration_error")
    (found,) = measure("expected_calibration_error", [y, score], bins=10)
    assert fact_of(found, "plain") == pytest.approx(plain_calibration_error(y, score))


def test_an_outcome_told_by_a_gap_is_as_sure_as_statsmodels_bound_of_its_rate() -> None:
    feature, y = np.arange(100.0), np.repeat([0.0, 1.0], 50)
    feature[60:90] = np.nan  # only positive rows lack it
    (found,) = measure("outcome_told_by_missing", [feature, y])
    high = proportion_confint(0, 30, method="wilson")[1]
    assert value_of(found) == pytest.approx(1 - high / 0.5)


@pytest.mark.parametrize(("rows", "variation", "power"), [(400, 1.0, 0.8), (50, 0.3, 0.9)])
def test_the_detectable_growth_is_that_of_statsmodels(rows: int, variation: float, power: float) -> None:
    found = mean_detectable_growth(rows, variation, power=power)
    effect = NormalIndPower(ddof=0).solve_power(nobs1=rows, alpha=0.05, power=power, ratio=0)
    assert value_of(found) == pytest.approx(effect * variation, rel=1e-4)


def test_the_standard_error_of_a_planned_area_is_the_papers() -> None:
    """Hanley and McNeil 1982, table II: 51 of 109 images abnormal, an area of 0.893 with a standard error of 0.032."""
    found = auc_detectable_difference(51, 58, 0.893)
    assert fact_of(found, "standard_error") == pytest.approx(0.032, abs=0.001)
    assert value_of(found) == pytest.approx(fact_of(found, "standard_error") * (1.959964 + 0.841621), rel=1e-6)


def test_every_oracle_is_asked_of_columns_that_there_are() -> None:
    assert {*VALUES, *OF_GROUPS} <= set(CASES)
    assert not any(math.isnan(VALUES[metric](*columns(metric))) for metric in VALUES)
