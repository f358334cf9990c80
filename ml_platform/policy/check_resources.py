"""What the declared resources have to make sense of: amounts of memory, threads of training, prices of a budget."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.policy.prices import FILE_NAME
from ml_platform.policy.problems import Problem, seen
from ml_platform.policy.resources import Resources
from ml_platform.policy.sections import Sections


def check_resources(sections: Sections, *, priced: bool) -> Iterator[Problem]:
    """Yield what is wrong with the section `resources`; `priced` says that there is a price table."""
    declared = sections.resources
    if declared is None:
        return
    for stage, entry in declared.stated():
        if entry.memory is not None and entry.memory_bytes is None:
            text = f"resources.{stage}.memory is {seen(entry.memory)}; needed: an amount as 512MiB or 2GiB"
            yield Problem(("resources", stage, "memory"), text)
    yield from _threads(declared, sections.learner.threads if sections.learner else None)
    if declared.budget is not None and not priced:
        text = (
            f"resources.budget is {seen(declared.budget)}, but without prices no cost is known; write {FILE_NAME} "
            "beside the models' folders (cpu_hour, gib_hour, currency), or remove the budget"
        )
        yield Problem(("resources", "budget"), text)


def _threads(declared: Resources, trained_with: int | None) -> Iterator[Problem]:
    """Yield what contradicts the threads of training, which are a declared condition of the model."""
    allowed = declared.of("model").threads
    if allowed is None or trained_with is None or trained_with <= allowed:
        return
    stage = "model" if declared.model.threads is not None else "default"
    text = (
        f"resources.{stage}.threads is {allowed}, but learner.threads is {trained_with}, a condition of training; "
        f"allow the stage model at least {trained_with}, or train with fewer"
    )
    yield Problem(("resources", stage, "threads"), text)
