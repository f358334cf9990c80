"""Asked for: why a sensor wanted a run, as its tags say, for the first line of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.orchestration.retrain_sensor import TRIGGER_TAG
from ml_platform.orchestration.window_sensor import WHY_TAG

if TYPE_CHECKING:
    import dagster as dg

    from ml_platform.orchestration.desk import Desk


def why_asked(context: dg.AssetExecutionContext, desk: Desk) -> str:
    """Return why a sensor asked for this run, having said it first of all; empty when a person did."""
    reason = next((text for name in (TRIGGER_TAG, WHY_TAG) if (text := context.run.tags.get(name))), "")
    if reason:
        desk.say(f"this run was asked for by {context.run.tags.get('dagster/sensor_name', 'a sensor')}: {reason}")
    return reason
