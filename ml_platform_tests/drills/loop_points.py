"""Points of the loop at which a drill may have a process wait to be killed."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_platform.orchestration import (
    data_assets,
    deploying,
    model_assets,
    release_assets,
    retrain_sensor,
    rollback_job,
    rollback_sensor,
    window_sensor,
)
from ml_platform.stages import monitor, window

LONG_SECONDS = 900.0
SHORT_SECONDS = 8.0  # of a process that goes on by itself, when the daemon alone is killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A function that has just returned; `environment` where it is one of a deployment.

    With `daemon_alone` what the daemon has started lives on.
    """

    name: str
    module: ModuleType
    function: str
    environment: str = ""
    daemon_alone: bool = False


POINTS = {
    one.name: one
    for one in (
        Point(name="the tick knows which windows are due", module=window_sensor, function="due_now"),
        Point(name="labels are joined", module=window, function="join_labels"),
        Point(name="a window is judged", module=monitor, function="monitor_window"),
        Point(name="the tick asks for retraining", module=retrain_sensor, function="request"),
        Point(name="the request is written down", module=data_assets, function="note_request"),
        Point(name="the snapshot is taken", module=data_assets, function="take_judged"),
        Point(name="the model is trained", module=model_assets, function="_train", daemon_alone=True),
        Point(name="it is measured", module=model_assets, function="_evaluate"),
        Point(name="it is registered", module=release_assets, function="_make"),
        Point(name="staging points to it", module=deploying, function="_promote", environment="staging"),
        Point(name="production points to it", module=deploying, function="_promote", environment="production"),
        Point(name="the tick asks to go back", module=rollback_sensor, function="_request"),
        Point(name="production points back", module=rollback_job, function="_done"),
    )
}


def arm(folder: Path, name: str) -> None:
    """Let the next process that reaches a point wait there."""
    (folder / "armed.new").write_text(POINTS[name].name)
    (folder / "armed.new").rename(folder / "armed")


def reached(folder: Path, name: str) -> bool:
    """Say whether a process waits at a point."""
    return (folder / "reached" / name).exists()


def watch_points(folder: Path) -> None:
    """Let each function that is a point look, when it returns, whether it is to wait."""
    for point in POINTS.values():
        function: Callable[..., Any] = getattr(point.module, point.function)
        setattr(point.module, point.function, _watched(function, point, folder))


def _watched(function: Callable[..., Any], point: Point, folder: Path) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        found = function(*arguments, **options)
        asked = not point.environment or arguments[1].environment == point.environment
        if asked and _is_armed(folder, point.name):
            time.sleep(SHORT_SECONDS if point.daemon_alone else LONG_SECONDS)
        return found

    return call


def _is_armed(folder: Path, name: str) -> bool:
    armed = folder / "armed"
    if not armed.exists() or armed.read_text() != name:
        return False
    armed.unlink()
    (folder / "reached").mkdir(exist_ok=True)
    (folder / "reached" / name).touch()
    return True
