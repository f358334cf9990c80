"""The stages that gates guard, in the order of the flow; each is an asset `<model>/<stage>`."""

from __future__ import annotations

STAGES = (
    "source",
    "snapshot",
    "quarantine",
    "split",
    "features",
    "model",
    "evaluation",
    "release",
    "cost",
    "staging",
    "production",
    "traffic",
    "monitoring",
    "feedback",
    "health",
)
