"""What Dagster loads in the drill of the loop: the product, with sensors that look often and points to be killed at."""

from __future__ import annotations

from ml_platform.orchestration import health_sensor, retrain_sensor, rollback_sensor, window_sensor
from ml_platform.orchestration.build import build_all
from ml_platform.settings import load_settings
from ml_platform_tests.drills.loop_points import watch_points

retrain_sensor.SECONDS_BETWEEN_TICKS = rollback_sensor.SECONDS_BETWEEN_TICKS = 5
window_sensor.SECONDS_BETWEEN_TICKS = 5
health_sensor.SECONDS_BETWEEN_TICKS = 86_400  # its runs would keep the machine busy
settings = load_settings()
watch_points(settings.home.parent)
defs = build_all(settings)
