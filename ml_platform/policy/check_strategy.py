"""What the strategy of a release has to make sense of: a key that requests carry, and labels that can be enough."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.policy.problems import Problem, known, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Role
from ml_platform.policy.strategy import Canary, Direct

_WHERE = ("deployment", "strategy")


def check_strategy(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with the strategy by which `deployment` brings a version to live traffic."""
    strategy = sections.deployment.strategy if sections.deployment else Direct()
    if isinstance(strategy, Canary):
        yield from _key_problems(strategy, sections)


def _key_problems(canary: Canary, sections: Sections) -> Iterator[Problem]:
    """Yield a key that a request doesn't carry, as only the features of the contract are sent."""
    if canary.key is None or not sections.whole:
        return
    sent = [name for name in sections.with_role(Role.FEATURE) if sections.columns[name].known == "before"]
    if canary.key not in sent:
        text = f"deployment.strategy.key is {seen(canary.key)}, which requests don't carry; {known(sent, canary.key)}"
        yield Problem((*_WHERE, "key"), text)
