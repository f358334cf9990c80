"""The shipped models, loaded once."""

from __future__ import annotations

import datetime as dt
import functools

from ml_platform.policy.load import GovernedModelFile, load_model
from ml_platform_tests.docs.pages import ROOT


@functools.cache
def shipped(name: str) -> GovernedModelFile:
    """Load a shipped model's file."""
    return load_model(ROOT / "ml_platform" / "defs" / name / "defs.yaml", now=dt.datetime.now(tz=dt.UTC))
