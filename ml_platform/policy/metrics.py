"""The closed catalogue of metrics that a gate may name: where each is measured, its unit and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ml_platform.policy.spec import Task


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: the stages that measure it, its unit (empty for a pure number) and its meaning in one sentence.

    `tasks` names those whose models it is measured of; empty: every task.
    """

    stages: tuple[str, ...]
    unit: str
    meaning: str
    tasks: tuple[Task, ...] = ()


_BY_STAGE: Mapping[tuple[str, ...], Mapping[str, tuple[str, str]]] = {
    ("source",): {
        "source_age_days": ("days", "Time since the newest change of the source."),
        "source_size_bytes": ("bytes", "Size of all tables of the source."),
        "source_tables": ("tables", "Number of tables that could be read."),
    },
    ("snapshot",): {
        "row_count": ("rows", "Rows of the snapshot, refused ones left out."),
        "contract_violations_share": ("share", "Rows that break the contract, of all rows seen."),
        "coerced_cells": ("cells", "Cells converted to their column's type though no coercion is stated."),
        "missing_share": ("share", "Missing values of a column."),
        "missing_share_excess": ("share", "Missing values of a column beyond what the contract declares."),
        "duplicate_share": ("share", "Rows that repeat another row exactly."),
        "unique_violations": ("rows", "Rows that repeat a value of a column declared unique."),
        "constant_columns": ("columns", "Columns that hold one value only."),
        "undeclared_columns": ("columns", "Columns of the data that the contract doesn't name."),
        "undeclared_personal_data": ("columns", "Columns that look like personal data and aren't declared so."),
        "undeclared_quasi_identifiers": (
            "columns",
            "Columns named like a trait of persons (age, sex, schooling) and not declared so.",
        ),
        "k_anonymity": ("persons", "Fewest persons whom the quasi-identifiers together can't tell apart."),
        "small_class_share": ("share", "Rows of persons whom fewer than four others share all quasi-identifiers with."),
        "direct_copies": ("columns", "Feature columns that hold a directly identifying column under another name."),
        "plausibility_out_of_range_share": ("share", "Values outside the plausible range of their column."),
        "snapshot_psi": ("", "Population stability index of a column against the reference snapshot."),
        "source_late_rows": ("rows", "Rows below what was read before that came afterwards, of an incremental table."),
        "source_rows_read": ("rows", "Rows of an incremental table that were read; the others were kept from before."),
        "batch_schema_breaks": ("share", "Columns missing, new or of another type than in the reference (1 when any)."),
        "batch_distribution_shift": ("share", "Proven excess of rows in a part of a number's distribution."),
        "batch_level_shift": ("share", "Proven excess or lack of rows with one value."),
        "batch_misspelling": ("share", "Rows with a level that is a known one written wrongly."),
        "batch_new_values": ("share", "Proven excess of rows with a value or a sign that the reference hardly holds."),
        "batch_missing_shift": ("share", "Proven change of a column's missing values."),
        "batch_format_shift": ("share", "Proven change of how finely numbers are given or how texts are written."),
        "batch_extreme_values": (
            "share",
            "Rows so far beyond all of the reference's that its tail doesn't explain them.",
        ),
        "batch_repeated_rows": ("share", "Proven excess of rows repeated in the batch or taken from the reference."),
        "batch_standstill": ("share", "Longest run of one value that chance doesn't explain."),
        "batch_dependence_shift": ("share", "Proven excess of rows whose column doesn't go with the others."),
        "batch_broken_relation": ("share", "Proven excess of rows that break a relation between two columns."),
        "batch_combination_shift": (
            "share",
            "Proven excess or lack of rows with a combination of two columns' values.",
        ),
        "batch_label_shift": ("share", "Proven excess of rows whose label doesn't go with its slice or its score."),
        "column_stability": ("share", "Columns of the reference snapshot that are there again with the same type."),
    },
    ("quarantine",): {
        "quarantined_share": ("share", "Rows put into quarantine, of all rows seen."),
        "quarantine_reasons": ("reasons", "Different reasons for which rows were put into quarantine."),
    },
    ("split",): {
        "row_overlap_share": ("share", "Rows of calibration and holdout that equal a row learned from, beyond chance."),
        "near_row_overlap_share": ("share", "Such rows that equal one, or nearly, up to a tenth of their columns."),
        "entity_overlap_share": ("share", "Entities of calibration and holdout with rows learned from."),
        "outcomes_known_too_late": ("share", "Rows learned from whose outcome came after evaluation had begun."),
        "time_order_violations": ("rows", "Rows that aren't later than every row of the parts before."),
        "train_rows": ("rows", "Rows to train on."),
        "calibration_rows": ("rows", "Rows to calibrate on."),
        "holdout_rows": ("rows", "Rows of the frozen holdout."),
        "holdout_positives": ("rows", "Rows of the holdout in which the target is true."),
        "holdout_negatives": ("rows", "Rows of the holdout in which the target is false."),
        "holdout_class_rows": ("rows", "Rows of the holdout of one class of several."),
        "holdout_distinct_outcomes": ("values", "Different values of the target in the holdout."),
    },
    ("features",): {
        "non_finite_share": ("share", "Infinite values in the feature matrix (missing ones are allowed)."),
        "single_feature_auc": ("", "Area under the ROC curve of one feature alone, on the training rows."),
        "feature_pair_auc": ("", "The same of the difference or ratio of two features, the best pair."),
        "feature_dominance": (
            "",
            "Part of what all features explain that is lost without one of them; at 0 or below it isn't needed.",
        ),
        "outcome_told_by_missing": ("", "Doubt about the outcome surely gone where a feature is missing, or isn't."),
        "after_the_fact_dependence": ("", "How far a feature is a function of a column known only afterwards, 0 to 1."),
        "after_the_fact_features": ("columns", "Features made from columns known only after the prediction."),
        "identifier_features": ("columns", "Features that name a person or a row."),
        "parity_largest_difference": ("", "Largest difference between a row's features alone and in the batch."),
        "feature_count": ("features", "Number of features."),
        "constant_features": ("features", "Features that hold one value only."),
        "code_tests_failed": ("tests", "The platform's tests that the features module fails."),
        "code_tests_run": ("tests", "The platform's tests that could be tried on the features module."),
        "own_tests_failed": ("tests", "The team's own tests beside the features module that fail."),
        "own_tests_run": ("tests", "The team's own tests beside the features module that were run."),
    },
    ("model",): {
        "conditions_missing": ("conditions", "Conditions of training (seed, threads, versions, code) not recorded."),
        "tracked": ("fact", "1 when the training run is tracked."),
        "reproducible": ("fact", "1 when training again under the same conditions grew the same trees."),
        "engine_as_declared": ("fact", "1 when LightGBM says it trained on as many workers and threads as declared."),
        "one_machine_difference": (
            "share",
            "Distance of its scores from one machine's, as a part of what losing half of the rows would make.",
        ),
        "rounds": ("rounds", "Boosting rounds that were kept."),
        "tuning_tried_share": ("share", "Trials that were completed or given up early, of those the study asks for."),
        "tuning_gain": ("share", "Part of the loss in cross-validation that the chosen parameters save."),
        "artefact_is_text": ("fact", "1 when the model is stored as text that can't carry code."),
    },
    ("evaluation",): {
        "roc_auc": ("", "Area under the ROC curve on the holdout."),
        "average_precision": ("", "Average precision on the holdout."),
        "log_loss": ("nats", "Mean negative log-likelihood on the holdout."),
        "brier": ("", "Mean squared error of the predicted probabilities on the holdout."),
        "expected_calibration_error": ("share", "Mean gap between predicted and observed frequency over bins."),
        "calibration_slope": ("", "Slope of the outcome's logistic regression on the score's log-odds; 1 is perfect."),
        "calibration_intercept": ("", "Intercept of the same regression; 0 is perfect."),
        "lift": ("", "True outcomes among the tenth of rows with the highest scores, over those among all rows."),
        "accuracy": ("share", "Decisions that are right, at the model's threshold."),
        "balanced_accuracy": ("share", "Mean of the share of right decisions among true and among false outcomes."),
        "recall": ("share", "True outcomes that are found."),
        "precision": ("share", "Positive decisions that are right."),
        "f1": ("", "Harmonic mean of precision and recall."),
        "expected_cost": ("", "Mean cost of a decision by the model file's costs, in their unit."),
        "expected_cost_gain": ("", "Cost saved per row against always deciding the same, whichever costs less."),
        "baseline_gain": ("nats", "How much smaller the log loss is than that of the constant base rate."),
        "simple_model_gain": ("", "Area under the ROC curve beyond that of a simple model."),
        "generalisation_gap": ("", "Area under the ROC curve on the training rows minus that on the holdout."),
        "roc_auc_difference": ("", "Candidate's area under the ROC curve minus the champion's, on the same rows."),
        "gain_over_champion": ("", "What the candidate gains over the champion by a metric; below 0 it is worse."),
        "slice_loss_against_champion": (
            "share",
            "Candidate's mean loss over the champion's in a slice of the same rows, minus 1.",
        ),
        "selection_rate_ratio": ("", "Of two groups' shares of positive decisions, the smaller over the larger."),
        "intersection_selection_rate_ratio": ("", "The same ratio of two combinations of groups."),
        "selection_rate_difference": ("share", "Distance of a group's share of positive decisions from another's."),
        "true_positive_rate_difference": ("share", "Distance of a group's true-positive rate from another's."),
        "false_positive_rate_difference": ("share", "Distance of a group's false-positive rate from another's."),
        "group_auc_gap": ("", "Distance of a group's area under the ROC curve from another's."),
        "slice_auc": ("", "Area under the ROC curve within a slice of the holdout."),
        "weak_slice_loss": ("share", "Mean loss within a slice that seemed weak over that of all others, minus 1."),
        "weak_slice_log_loss": ("share", "Mean log loss within such a slice over that of all others, minus 1."),
        "weak_slice_surprise": ("share", "Mean log loss within it over what its probabilities promise, minus 1."),
        "adversarial_flip_share": ("share", "Decisions that flip with moves that the model file calls feasible."),
        "smallest_flipping_move": ("standard deviations", "Median length of the moves that flip a decision."),
        "largest_feasible_move": (
            "",
            "Mean of the largest move of a prediction by feasible moves, in the target's unit.",
        ),
        "degraded_auc_drop": ("", "Area under the ROC curve lost at a level of noise, or of missing values."),
        "degraded_loss_change": ("share", "Growth of the mean loss at a level of noise, or of missing values."),
        "ood_detection_rate": ("share", "Rows of another world that are noticed as unusual."),
        "ood_detected_share": ("share", "Rows of all other worlds that are noticed as unusual."),
        "ood_false_alarm_share": ("share", "Holdout rows that are taken for unusual."),
        "noise_flip_share": ("share", "Decisions that change when small noise is added to the features."),
        "missing_feature_auc_drop": ("", "Area under the ROC curve lost when a feature is missing."),
        "unseen_level_flip_share": ("share", "Decisions that change when a category was never seen in training."),
        "evaluated_in_full": ("", "1 when the candidate was evaluated in full; undefined after a fast evaluation."),
        "seed_flip_share": ("share", "Decisions that change with the learner's seed, mean over other seeds."),
        "seed_change_share": ("share", "Mean change of the prediction with the learner's seed, by the mean error."),
        "seed_luck": ("share", "How much larger the model's loss is than that of other seeds; below 0 it was lucky."),
        "loss_change_over_seeds": (
            "share",
            "Mean loss over the champion's, minus 1, with the seed's luck in its interval.",
        ),
        "loss_saved_by_last_doubling": ("share", "Part of the loss that the last doubling of training rows saved."),
        "loss_saved_by_next_doubling": (
            "share",
            "Part of the loss that as many training rows again would save, if the learning curve goes on as it went.",
        ),
        "permutation_p_value": ("", "Chance of learning as much from outcomes that are dealt at random."),
        "edge_cases_missed": ("cases", "1 when the answer to a declared edge case isn't the expected one."),
        "invariance_broken_share": ("share", "Rows whose decision changes with what is declared not to matter."),
        "invariance_broken_excess": ("share", "That share beyond the one that the model file allows."),
        "direction_broken_share": ("share", "Rows whose score moves against the declared direction."),
        "direction_broken_excess": ("share", "That share beyond the one that the model file allows."),
        "top_feature_share": ("share", "The strongest feature's part of all explanations."),
        "feature_share": ("share", "Each feature's part of all explanations."),
        "explanation_stability": ("share", "A row's three strongest features that small noise leaves the strongest."),
        "importance_agreement": ("share", "Importance that two halves of the holdout give to the same features."),
        "partial_dependence": ("", "How far the average score moves over a feature's usual values."),
        "against_average_share": ("share", "Rows whose score moves with a feature against the average."),
        "holdout_looks": ("models", "Different models measured on this holdout up to this one."),
        "mean_absolute_error": ("", "Mean size of the error, in the target's unit."),
        "median_absolute_error": ("", "Median size of the error, in the target's unit."),
        "root_mean_squared_error": ("", "Root of the mean squared error, in the target's unit."),
        "bias": ("", "Mean of prediction minus outcome, in the target's unit."),
        "bias_share": ("", "Bias as a part of the mean absolute error: -1 always too low, 1 always too high."),
        "r_squared": ("", "Share of the outcome's variance that the predictions explain."),
        "pinball_loss": ("", "Mean loss of a predicted quantile, in the target's unit."),
        "coverage": ("share", "Outcomes at or below the predicted quantile."),
        "coverage_error": ("share", "That share minus the quantile that was to be predicted."),
        "class_accuracy": ("share", "Rows whose class is decided right, among several classes."),
        "macro_recall": ("", "Mean over classes of the share of their rows that is found."),
        "macro_recall_gain": ("share", "How much of the way from guessing to perfect the macro recall goes."),
        "macro_precision": ("", "Mean over classes of the share of right decisions among those for them."),
        "macro_f1": ("", "Mean over classes of F1."),
        "macro_roc_auc": ("", "Mean over classes of the area under the ROC curve, one against the rest."),
        "multiclass_log_loss": ("nats", "Mean negative log-likelihood of the class that came true."),
        "multiclass_brier": ("", "Mean squared distance between the probabilities and the class that came true."),
        "top_label_calibration_error": ("share", "Mean gap between the decided class's probability and its accuracy."),
        "class_recall": ("share", "Rows of a class that are found."),
        "class_precision": ("share", "Decisions for a class that are right."),
        "class_f1": ("", "Harmonic mean of a class's precision and recall."),
        "class_roc_auc": ("", "Area under the ROC curve of a class's probability, its rows against all others."),
        "class_selection_rate_difference": ("share", "Distance of a group's share of decisions for a class."),
        "class_recall_difference": ("share", "Distance of a group's share of a class's rows that are found."),
        "loss_against_constant": ("share", "Mean loss over that of the best constant prediction, minus 1."),
        "loss_against_simple_model": ("share", "Mean loss over that of a simple model, minus 1."),
        "loss_against_champion": ("share", "Candidate's mean loss over the champion's on the same rows, minus 1."),
        "loss_gap": ("share", "Mean loss on the holdout minus that on training rows, by the constant's loss."),
        "slice_loss_change": ("share", "Mean loss within a slice of the holdout over that of all rows, minus 1."),
        "group_loss_gap": ("", "Distance of a group's mean loss from another's, by the mean loss of all."),
        "intersection_group_loss_gap": ("", "The same distance of a combination of groups from another."),
        "group_bias_gap": ("", "Distance of a group's mean error from another's, by the mean absolute error of all."),
        "group_accuracy_gap": ("share", "Distance of a group's share of right decisions from another's."),
        "noise_loss_change": ("share", "Growth of the mean loss when small noise is added to the features."),
        "missing_feature_loss_change": ("share", "Growth of the mean loss when a feature is missing."),
        "unseen_level_loss_change": ("share", "Growth of the mean loss when a category was never seen in training."),
        "holdout_drift_auc": ("", "How well training and holdout rows can be told apart; 0.5 is not at all."),
    },
    ("release",): {
        "incident_missed": ("cases", "Open incidents that the candidate answers wrong; each is 0 or 1."),
        "loads_in_clean_process": ("fact", "1 when a fresh process loads the artefact and scores."),
        "clean_scores_equal": ("", "Largest difference between a fresh process's scores and the model's own."),
        "artefact_size_bytes": ("bytes", "Size of the model artefact."),
        "scoring_latency_p99_seconds": ("seconds", "99th percentile of the time to score one row in a fresh process."),
        "peak_memory_bytes": ("bytes", "Largest memory of a fresh process that scores."),
        "version_complete": ("fact", "1 when every digest of the version is there."),
        "rebuildable": ("fact", "1 when all that the version can be made again from is kept, and as it was."),
        "interface_breaks": ("columns", "Changes of the scoring request that callers of the live version can't serve."),
    },
    ("cost",): {
        "stage_cpu_ratio": ("", "CPU seconds of a stage over the median of earlier runs with as many rows, or over 5."),
        "share_of_limit": ("share", "Peak memory or wall time of a stage, of what the model file allows it."),
        "share_of_budget": ("share", "Cost of the run's stages, of the budget that the model file declares."),
    },
    ("staging", "production"): {
        "service_healthy": ("fact", "1 when the running service says that it is healthy."),
        "service_serves_candidate": ("fact", "1 when the running service serves exactly this version."),
        "service_scores_equal": ("", "Largest difference between the service's scores and the model's own."),
        "service_refuses_bad_input": ("fact", "1 when the running service refuses every malformed request."),
        "service_latency_p99_seconds": ("seconds", "99th percentile of the service's answer time."),
        "lock_open": ("fact", "1 when the promotion lock opened for this version."),
    },
    ("traffic",): {
        "predictions": ("predictions", "Predictions served in the window."),
        "error_share": ("share", "Requests of the window that ended in an error of the service."),
        "label_share": ("share", "Predictions of the window whose outcome is known."),
        "latency_p99_seconds": ("seconds", "99th percentile of the answer time in the window."),
    },
    ("monitoring",): {
        "live_roc_auc": ("", "Area under the ROC curve on the labelled predictions of the window."),
        "live_roc_auc_change": ("", "Area under the ROC curve of the window minus the holdout's at release."),
        "live_calibration_bias": ("share", "Mean prediction minus mean outcome in the window."),
        "live_loss_change": ("share", "Mean loss of the window over the holdout's at release, minus 1."),
        "live_loss_against_constant": ("share", "Mean loss of the window over that of the best constant, minus 1."),
        "live_bias_share": ("", "Bias of the window as a part of its mean absolute error."),
        "live_mean_absolute_error": ("", "Mean size of the error in the window, in the target's unit."),
        "live_bias": ("", "Mean of prediction minus outcome in the window, in the target's unit."),
        "live_coverage_error": ("share", "Outcomes of the window at or below the quantile, minus the quantile."),
        "live_accuracy": ("share", "Labelled predictions of the window whose class was decided right."),
        "live_macro_roc_auc": ("", "Mean over classes of the area under the ROC curve in the window."),
        "live_macro_roc_auc_change": ("", "That mean in the window minus the holdout's at release."),
        "live_class_recall": ("share", "Rows of a class in the window that were found."),
        "live_class_bias": ("share", "Mean probability of a class in the window minus its share of the outcomes."),
        "input_psi": ("", "Population stability index of an input against the training rows."),
        "score_psi": ("", "Population stability index of the score, or of a class's probability, against the holdout."),
        "live_missing_share_excess": ("share", "Missing values of an input beyond what the contract declares."),
        "live_unseen_share": ("share", "Predictions with a value that was never seen in training."),
    },
    ("feedback",): {
        "unknown_label_share": ("share", "Outcomes that belong to no prediction."),
        "label_conflict_share": ("share", "Predictions with outcomes that contradict each other."),
        "impossible_label_share": (
            "share",
            "Outcomes that the target can't have, as a class that the model doesn't know.",
        ),
        "feedback_aside_share": ("share", "Remarks that can't be used: of no prediction, of the future, impossible."),
        "feedback_without_source_share": ("share", "Outcomes that people told, and nobody knows who."),
        "feedback_without_time_share": ("share", "Outcomes that people told without when they were known."),
        "feedback_conflict_share": ("share", "Predictions of which people told outcomes that contradict each other."),
        "feedback_agreement": ("share", "Outcomes of a source that are the record's of the same prediction."),
        "feedback_flipped_share": ("share", "Outcomes that a source seems to have turned round, beyond the others'."),
        "feedback_slice_flipped_share": ("share", "That share in a slice, beyond the others' there."),
        "feedback_slice_shift": ("share", "How far a source's outcomes in a slice lie from the others' there."),
    },
}

_BINARY: tuple[Task, ...] = ("binary",)
_CLASSES: tuple[Task, ...] = ("multiclass",)
_DECIDED: tuple[Task, ...] = ("binary", "multiclass")
_NUMBER: tuple[Task, ...] = ("regression", "quantile")
_LOSS: tuple[Task, ...] = ("multiclass", "regression", "quantile")
_ORDERED: tuple[Task, ...] = ("binary", "regression", "quantile")
_TASKS: Mapping[tuple[Task, ...], tuple[str, ...]] = {
    _ORDERED: ("feedback_slice_shift",),
    _BINARY: (
        "holdout_positives", "holdout_negatives", "roc_auc", "average_precision", "log_loss", "brier",
        "expected_calibration_error", "calibration_slope", "calibration_intercept", "lift", "accuracy",
        "balanced_accuracy",
        "recall", "precision", "f1", "baseline_gain", "simple_model_gain", "generalisation_gap", "roc_auc_difference",
        "selection_rate_ratio", "selection_rate_difference", "true_positive_rate_difference",
        "intersection_selection_rate_ratio", "expected_cost", "expected_cost_gain",
        "false_positive_rate_difference", "group_auc_gap", "slice_auc", "missing_feature_auc_drop",
        "degraded_auc_drop", "live_roc_auc",
        "live_roc_auc_change", "live_calibration_bias",
    ),
    _CLASSES: (
        "holdout_class_rows", "class_accuracy", "macro_recall", "macro_recall_gain", "macro_precision", "macro_f1",
        "macro_roc_auc", "multiclass_log_loss", "multiclass_brier", "top_label_calibration_error", "class_recall",
        "class_precision", "class_f1", "class_roc_auc", "class_selection_rate_difference", "class_recall_difference",
        "group_accuracy_gap", "live_accuracy", "live_macro_roc_auc", "live_class_recall",
        "live_class_bias", "live_macro_roc_auc_change",
    ),
    _DECIDED: (
        "noise_flip_share", "unseen_level_flip_share", "seed_flip_share", "adversarial_flip_share",
        "smallest_flipping_move", "weak_slice_log_loss", "weak_slice_surprise",
    ),
    ("regression",): (
        "root_mean_squared_error", "bias", "bias_share", "r_squared", "group_bias_gap", "live_bias_share", "live_bias",
    ),
    ("quantile",): ("pinball_loss", "coverage", "coverage_error", "live_coverage_error"),
    _NUMBER: (
        "holdout_distinct_outcomes", "mean_absolute_error", "median_absolute_error", "noise_loss_change",
        "unseen_level_loss_change", "live_mean_absolute_error", "seed_change_share", "largest_feasible_move",
        "weak_slice_loss",
    ),
    _LOSS: (
        "loss_against_constant", "loss_against_simple_model", "loss_against_champion", "loss_gap", "slice_loss_change",
        "group_loss_gap", "intersection_group_loss_gap", "missing_feature_loss_change",
        "degraded_loss_change", "live_loss_change",
        "live_loss_against_constant",
    ),
}  # fmt: skip
_TASKS_OF = {name: tasks for tasks, names in _TASKS.items() for name in names}
TASKS = frozenset({"binary", "multiclass", "regression", "quantile"})

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        name: Metric(stages, unit, meaning, _TASKS_OF.get(name, ()))
        for stages, metrics in _BY_STAGE.items()
        for name, (unit, meaning) in metrics.items()
    }
)
