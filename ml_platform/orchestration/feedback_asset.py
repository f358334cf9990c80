"""The feedback's asset: the outcomes that came, held against the predictions they are about.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.measured import Measured
from ml_platform.core.records import FeedbackRecord
from ml_platform.orchestration.automation import feedback_condition
from ml_platform.orchestration.hand_on import Results, at_desk, hand_on, product
from ml_platform.orchestration.run_stage import judged
from ml_platform.orchestration.wiring import Output, wire

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.stages.hear import Heard

ENVIRONMENT = "production"
FEEDBACK = Output(
    name="feedback",
    record=FeedbackRecord,
    kinds=frozenset({"python"}),
    about="What came of production's predictions: does it belong to one, does it agree, does anybody turn it round?",
    automation=feedback_condition(),
)


def feedback_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that judges the outcomes."""

    @dg.multi_asset(**wire(file, "feedback", outputs=[FEEDBACK], deps=["production"]))
    def feedback(context: dg.AssetExecutionContext) -> Results:
        with at_desk(context, file) as desk:
            found, heard = _judge(desk)
            made = judged(
                desk, "feedback", found, labels=found.record.labels > 0, feedback=heard.is_told,
                much_feedback=heard.is_much,
            )  # fmt: skip
            about = {
                "dagster/row_count": made.record.labels, "joined": made.record.joined, "remarks": made.record.remarks,
                "kept_aside": len(heard.sorted.aside), "accepted": made.record.accepted,
                **{f"not accepted: {reason}": count for reason, count in heard.accepted.left_out.items()},
            }  # fmt: skip
            yield from hand_on(context, desk, [product("feedback", made, about)])

    return feedback


def _judge(desk: "Desk") -> "tuple[Measured[FeedbackRecord], Heard]":
    from ml_platform.adapters.feedback_log import feedback_folder, read_feedback
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.adapters.traffic_log import read, traffic_folder
    from ml_platform.stages.feedback import judge_labels
    from ml_platform.stages.hear import hear, keep_accepted, with_remarks

    home, keys = desk.platform.home, desk.platform.keys
    known = LabelStore(home).read(desk.model)
    labels = {name: label.label for name, label in known.by_prediction.items()}
    served = read(traffic_folder(home, ENVIRONMENT, desk.model), keys=keys).predictions
    found = judge_labels(desk.spec, labels=labels, conflicting=known.conflicting, predicted=[one.id for one in served])
    remarks = read_feedback(feedback_folder(home, ENVIRONMENT, desk.model), keys=keys).remarks
    truth = {name: label for name, label in labels.items() if name not in known.conflicting}
    heard = hear(desk.spec, desk.policy, remarks=remarks, truth=truth, predictions=served)
    return with_remarks(found, heard, keep_accepted(desk.platform.store, heard.accepted)), heard
