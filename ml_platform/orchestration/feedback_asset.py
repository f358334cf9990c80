"""The feedback's asset: the outcomes that came, held against the predictions they are about.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.measured import Measured
from ml_platform.core.records import FeedbackRecord
from ml_platform.orchestration.hand_on import Results, at_desk, hand_on, product
from ml_platform.orchestration.run_stage import judged
from ml_platform.orchestration.wiring import Output, wire

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile

ENVIRONMENT = "production"
FEEDBACK = Output(
    name="feedback",
    record=FeedbackRecord,
    kinds=frozenset({"python"}),
    about="The outcomes that came for production's predictions: do they belong to one, do they agree with each other?",
)


def feedback_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that judges the outcomes."""

    @dg.multi_asset(**wire(file, "feedback", outputs=[FEEDBACK], deps=["production"]))
    def feedback(context: dg.AssetExecutionContext) -> Results:
        with at_desk(context, file) as desk:
            found = _judge(desk)
            made = judged(desk, "feedback", found, labels=found.record.labels > 0)
            about = {"dagster/row_count": made.record.labels, "joined": made.record.joined}
            yield from hand_on(context, desk, [product("feedback", made, about)])

    return feedback


def _judge(desk: "Desk") -> Measured[FeedbackRecord]:
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.adapters.traffic_log import read, traffic_folder
    from ml_platform.stages.feedback import judge_labels

    heard = LabelStore(desk.platform.home).read(desk.model)
    served = read(traffic_folder(desk.platform.home, ENVIRONMENT, desk.model), keys=desk.platform.keys)
    return judge_labels(
        desk.spec,
        labels={name: label.label for name, label in heard.by_prediction.items()},
        conflicting=heard.conflicting,
        predicted=[one.id for one in served.predictions],
    )
