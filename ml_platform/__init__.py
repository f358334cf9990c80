"""ml_platform: a team's CI/CD policies for machine learning as part of the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.orchestration.component import GovernedModel
    from ml_platform.stages.inspection.inspect import inspect_batch

__all__ = ["GovernedModel", "inspect_batch"]


def __getattr__(name: str) -> object:
    # Dagster's tooling looks for components in this namespace; nobody else should pay for importing Dagster.
    if name == "GovernedModel":
        from ml_platform.orchestration.component import GovernedModel

        return GovernedModel
    if name == "inspect_batch":
        from ml_platform.stages.inspection.inspect import inspect_batch

        return inspect_batch
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
