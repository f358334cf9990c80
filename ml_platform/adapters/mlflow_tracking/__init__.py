"""MLflow behind the `Tracker` port; the only package that knows it."""

from __future__ import annotations

from ml_platform.adapters.mlflow_tracking.tracker import MlflowTracker

__all__ = ["MlflowTracker"]
