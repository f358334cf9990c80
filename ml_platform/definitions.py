"""What Dagster loads: every governed model in the models' folder."""

from __future__ import annotations

from ml_platform.orchestration.build import build_all
from ml_platform.settings import load_settings

defs = build_all(load_settings())
