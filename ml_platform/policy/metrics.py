"""The closed catalogue of metrics that a gate may name: where each is measured, its unit and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: the stages that measure it, its unit (empty for a pure number) and its meaning in one sentence."""

    stages: tuple[str, ...]
    unit: str
    meaning: str


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
            "Rows beyond the reference when the outermost of them are proven implausible.",
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
    },
    ("features",): {
        "non_finite_share": ("share", "Infinite values in the feature matrix (missing ones are allowed)."),
        "single_feature_auc": ("", "Area under the ROC curve of one feature alone, on the training rows."),
        "feature_pair_auc": ("", "The same of the difference or ratio of two features, the best pair."),
        "feature_dominance": ("", "Part of what all features explain that is lost without one of them."),
        "outcome_told_by_missing": ("", "Doubt about the outcome surely gone where a feature is missing, or isn't."),
        "after_the_fact_dependence": ("", "How far a feature is a function of a column known only afterwards, 0 to 1."),
        "after_the_fact_features": ("columns", "Features made from columns known only after the prediction."),
        "identifier_features": ("columns", "Features that name a person or a row."),
        "parity_largest_difference": ("", "Largest difference between a row's features alone and in the batch."),
        "feature_count": ("features", "Number of features."),
        "constant_features": ("features", "Features that hold one value only."),
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
        "accuracy": ("share", "Decisions that are right, at the model's threshold."),
        "balanced_accuracy": ("share", "Mean of the share of right decisions among true and among false outcomes."),
        "recall": ("share", "True outcomes that are found."),
        "precision": ("share", "Positive decisions that are right."),
        "f1": ("", "Harmonic mean of precision and recall."),
        "baseline_gain": ("nats", "How much smaller the log loss is than that of the constant base rate."),
        "simple_model_gain": ("", "Area under the ROC curve beyond that of a simple model."),
        "generalisation_gap": ("", "Area under the ROC curve on the training rows minus that on the holdout."),
        "roc_auc_difference": ("", "Candidate's area under the ROC curve minus the champion's, on the same rows."),
        "selection_rate_ratio": ("", "Of two groups' shares of positive decisions, the smaller over the larger."),
        "selection_rate_difference": ("share", "Distance of a group's share of positive decisions from another's."),
        "true_positive_rate_difference": ("share", "Distance of a group's true-positive rate from another's."),
        "false_positive_rate_difference": ("share", "Distance of a group's false-positive rate from another's."),
        "group_auc_gap": ("", "Distance of a group's area under the ROC curve from another's."),
        "slice_auc": ("", "Area under the ROC curve within a slice of the holdout."),
        "noise_flip_share": ("share", "Decisions that change when small noise is added to the features."),
        "missing_feature_auc_drop": ("", "Area under the ROC curve lost when a feature is missing."),
        "unseen_level_flip_share": ("share", "Decisions that change when a category was never seen in training."),
        "top_feature_share": ("share", "The strongest feature's part of all explanations."),
        "holdout_drift_auc": ("", "How well training and holdout rows can be told apart; 0.5 is not at all."),
    },
    ("release",): {
        "loads_in_clean_process": ("fact", "1 when a fresh process loads the artefact and scores."),
        "clean_scores_equal": ("", "Largest difference between a fresh process's scores and the model's own."),
        "artefact_size_bytes": ("bytes", "Size of the model artefact."),
        "scoring_latency_p99_seconds": ("seconds", "99th percentile of the time to score one row in a fresh process."),
        "peak_memory_bytes": ("bytes", "Largest memory of a fresh process that scores."),
        "version_complete": ("fact", "1 when every digest of the version is there."),
        "interface_breaks": ("columns", "Changes of the scoring request that callers of the live version can't serve."),
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
        "input_psi": ("", "Population stability index of an input against the training rows."),
        "score_psi": ("", "Population stability index of the score against the holdout."),
        "live_missing_share_excess": ("share", "Missing values of an input beyond what the contract declares."),
        "live_unseen_share": ("share", "Predictions with a value that was never seen in training."),
    },
    ("feedback",): {
        "unknown_label_share": ("share", "Outcomes that belong to no prediction."),
        "label_conflict_share": ("share", "Predictions with outcomes that contradict each other."),
    },
}

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        name: Metric(stages, unit, meaning)
        for stages, metrics in _BY_STAGE.items()
        for name, (unit, meaning) in metrics.items()
    }
)
