"""The model's assets: model, and evaluation with its report.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

import dataclasses
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.measured import Measured
from ml_platform.core.records import (
    EvaluationRecord,
    FeaturesRecord,
    ModelRecord,
    ReleaseRecord,
    ReportRecord,
    SplitRecord,
    TuningRecord,
)
from ml_platform.orchestration.hand_on import Product, Results, at_desk, hand_on, product
from ml_platform.orchestration.mitigating import mitigation_hints, mitigation_of
from ml_platform.orchestration.pictures import evaluation_pictures
from ml_platform.orchestration.reporting import report_on
from ml_platform.orchestration.run_stage import Judged, Task, judged, recall_or_work
from ml_platform.orchestration.tables import facts_table
from ml_platform.orchestration.wiring import Output, wire

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile

MODEL = Output(
    name="model",
    record=ModelRecord,
    kinds=frozenset({"lightgbm", "mlflow"}),
    about="The trained trees as text, under declared conditions, with a tracked run.",
)
TUNING = Output(
    name="tuning",
    record=TuningRecord,
    kinds=frozenset({"optuna"}),
    about="The study over the learner's parameters, by cross-validation on the training rows only.",
)
EVALUATION = Output(
    name="evaluation",
    record=EvaluationRecord,
    kinds=frozenset({"python"}),
    about="What the model is worth on the frozen holdout: every number with its interval, per group and slice.",
)
REPORT = Output(
    name="report",
    record=ReportRecord,
    kinds=frozenset({"html", "markdown"}),
    about="What a manager, a reviewer and a program want to know of the candidate; written for a refused one too.",
)
TUNED_FROM = {"tuning": ("features",), "model": ("features", "tuning")}
COMES_FROM = {"evaluation": ("split", "features", "model"), "report": ("evaluation",)}
EVALUATED: dict[str, type] = {"split": SplitRecord, "features": FeaturesRecord, "model": ModelRecord}


def model_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that trains, with the parameters that a study chose first when the model file describes one."""
    outputs, within = ([TUNING, MODEL], TUNED_FROM) if file.spec.tuning else ([MODEL], {})

    @dg.multi_asset(**wire(file, "model", outputs=outputs, inputs={"features": FeaturesRecord}, within=within))
    def model(context: dg.AssetExecutionContext, features: FeaturesRecord) -> Results:
        with at_desk(context, file) as desk:
            tuning = _tuning(desk, features)
            if tuning is not None:
                yield from hand_on(context, desk, [_study(tuning)])
            made = judged(desk, "model", _model(desk, features, tuning))
            about = {
                "trees": made.record.tree_digest,
                "rounds": made.record.rounds,
                "threshold": made.record.threshold,
                "tracked run": made.record.run_id,
                "conditions": facts_table(made.record.conditions, "condition"),
            }
            yield from hand_on(context, desk, [product("model", made, about)])

    return model


def evaluation_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that measures the model on the frozen holdout and reports; a refused candidate needs its report."""

    @dg.multi_asset(**wire(file, "evaluation", outputs=[EVALUATION, REPORT], inputs=EVALUATED, within=COMES_FROM))
    def evaluation(
        context: dg.AssetExecutionContext, split: SplitRecord, features: FeaturesRecord, model: ModelRecord
    ) -> Results:
        with at_desk(context, file) as desk:
            made = _judged(desk, split, features, model)
            mitigation = mitigation_of(desk, features, model, made.verdicts)
            report = report_on(
                desk, split=split, features=features, model=model, evaluation=made, mitigation=mitigation
            )
            page = desk.platform.home / report.record.files["html"]
            about = {
                "dagster/row_count": made.record.rows,
                "plots": dg.MetadataValue.md(
                    evaluation_pictures(desk.spec.learner.task, desk.platform.store, made.record)
                ),
            }
            yield from hand_on(
                context, desk, [product("evaluation", made, about), _report(desk, report)],
                hints=[*mitigation_hints(desk, mitigation), f"report: {page}"],
            )  # fmt: skip

    return evaluation


def _judged(desk: "Desk", split: SplitRecord, features: FeaturesRecord, model: ModelRecord) -> Judged[EvaluationRecord]:
    champion = desk.challenged(model.digest)
    rival = champion.candidate.model_digest if champion else ""
    # The same trees may come of other rows: a model is measured on exactly these features and this split.
    inputs = {"model": model.digest, "features": features.digest, "split": split.digest, "champion": rival}
    inputs["profile"] = desk.profile
    task = Task(stage="evaluation", inputs=inputs, kind="evaluations", record_type=EvaluationRecord)
    found = recall_or_work(desk, task, lambda: _evaluate(desk, split, features, model, champion))
    return judged(desk, "evaluation", found, champion=champion is not None, full=found.record.profile == "full")


def _report(desk: "Desk", report: Measured[ReportRecord]) -> Product:
    files = {form: desk.platform.home / name for form, name in report.record.files.items()}
    return Product(
        name="report",
        record=report.record,
        version=report.record.digest,
        unchanged=report.unchanged,
        done="written",
        metadata={
            **{form: dg.MetadataValue.path(str(path)) for form, path in files.items()},
            "summary": dg.MetadataValue.md(files["md"].read_text(encoding="utf-8")),
        },
    )


def _evaluate(
    desk: "Desk", split: SplitRecord, features: FeaturesRecord, model: ModelRecord, champion: ReleaseRecord | None
) -> Measured[EvaluationRecord]:
    """Measure the model, after the look at the holdout was paid for."""
    from ml_platform.stages.evaluate import evaluate
    from ml_platform.stages.features import read_matrix
    from ml_platform.stages.holdout_looks import look

    platform = desk.platform
    matrix = read_matrix(platform.store, features)
    looks = look(
        matrix.part_of("holdout"),
        store=platform.store,
        ledger=platform.ledger,
        model=desk.model,
        model_digest=model.digest,
        actor=desk.actor,
        now=desk.now,
    )
    made = evaluate(
        desk.spec,
        store=platform.store,
        model=model,
        features=features,
        split=split,
        champion=champion,
        tracker=platform.tracker,
        matrix=matrix,
        profile=desk.profile,
    )
    return dataclasses.replace(made, measurements=(*made.measurements, looks))


def _tuning(desk: "Desk", features: FeaturesRecord) -> Measured[TuningRecord] | None:
    if desk.spec.tuning is None:
        return None
    task = Task(stage="tuning", inputs={"features": features.digest}, kind="studies", record_type=TuningRecord)
    return recall_or_work(desk, task, lambda: _tune(desk, features))


def _tune(desk: "Desk", features: FeaturesRecord) -> Measured[TuningRecord]:
    from ml_platform.stages.tune import tune

    platform = desk.platform
    return tune(desk.spec, store=platform.store, journals=platform.journals, features=features, say=desk.say)


def _study(tuning: Measured[TuningRecord]) -> Product:
    return Product(
        name="tuning",
        record=tuning.record,
        version=tuning.record.digest,
        unchanged=tuning.unchanged,
        measurements=tuning.measurements,
        metadata={"chosen": facts_table(tuning.record, "study")},
    )


def _model(desk: "Desk", features: FeaturesRecord, tuning: Measured[TuningRecord] | None) -> Measured[ModelRecord]:
    """Return the model with what was measured on its study too: the gates on both are the model's."""
    study = {"tuning": tuning.record.digest} if tuning else {}
    inputs = {"features": features.digest, **study}
    task = Task(stage="model", inputs=inputs, kind="models", record_type=ModelRecord)
    made = recall_or_work(desk, task, lambda: _train(desk, features, tuning.record if tuning else None))
    measured = tuning.measurements if tuning else ()
    return dataclasses.replace(made, measurements=(*made.measurements, *measured))


def _train(desk: "Desk", features: FeaturesRecord, tuning: TuningRecord | None) -> Measured[ModelRecord]:
    from ml_platform.stages.train import train

    platform = desk.platform
    return train(
        desk.spec, store=platform.store, features=features, tracker=platform.tracker, actor=desk.actor, now=desk.now,
        tuning=tuning,
    )  # fmt: skip
