"""Placing: what Dagster is told of a stage's resources - tags for its Kubernetes executor, and pools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_platform.policy.resources import StageResources

K8S_TAG = "dagster-k8s/config"
RESOURCES_TAG = "ml_platform/resources"
# Stages that fill a machine, by what they fill it with; how many run at once is the instance's to limit.
POOLS: Mapping[str, str] = {
    "snapshot": "data", "features": "data", "model": "training", "evaluation": "evaluation",
}  # fmt: skip


def pool_of(stage: str) -> str | None:
    """Return the pool that a stage's op waits in, if it is a heavy one."""
    return POOLS.get(stage)


def resource_tags(declared: StageResources) -> dict[str, Any]:
    """Return an op's tags: the declared resources in words, and the container that Kubernetes should give it.

    Plain values, so that Dagster's Kubernetes package needn't be installed. Requests equal limits: what is declared
    is what the stage gets.
    """
    said = declared.model_dump(exclude_none=True)
    if not said:
        return {}
    amounts = _amounts(declared)
    container = {"container_config": {"resources": {"requests": amounts, "limits": amounts}}} if amounts else {}
    tags: dict[str, Any] = {RESOURCES_TAG: ", ".join(f"{name} {_text(value)}" for name, value in said.items())}
    return tags | ({K8S_TAG: container} if container else {})


def _amounts(declared: StageResources) -> dict[str, str]:
    cores = {"cpu": f"{max(1, round(declared.cpus * 1000))}m"} if declared.cpus is not None else {}
    size = declared.memory_bytes
    return cores | ({"memory": f"{-(-size // 2**20)}Mi"} if size else {})


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
