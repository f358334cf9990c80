"""The way live that a model file's strategy says: at once, or tried first, by rules that are fixed when it begins."""

from __future__ import annotations

import secrets
from typing import assert_never

from ml_platform.core.digest import digest_of
from ml_platform.policy.strategy import Canary, Direct, Shadow, Strategy
from ml_platform.stages.way import Directly, Tried, Way


def way_of(strategy: Strategy, environment: str, *, directly: str = "") -> Way:
    """Return the way live; only in production is a version tried first, and not if there is a reason to go `directly`.

    >>> way_of(Direct(), "production")
    Directly(instead='')
    >>> way_of(Shadow(kind="shadow"), "production").strategy
    'shadow'
    """
    if environment != "production" or isinstance(strategy, Direct):
        return Directly()
    if directly:
        return Directly(instead=directly)
    rollout_id, rules = secrets.token_hex(8), rules_digest(strategy)
    match strategy:
        case Shadow():
            return Tried(rollout_id=rollout_id, strategy="shadow", weight=0.0, sticky_by="", rules_digest=rules)
        case Canary(weight=weight, key=key):
            return Tried(
                rollout_id=rollout_id, strategy="canary", weight=weight, sticky_by=key or "", rules_digest=rules
            )
        case _:
            assert_never(strategy)


def rules_digest(strategy: Strategy) -> str:
    """Return what names the rules of a trial: weight, margins and what is needed to decide."""
    return digest_of(strategy.model_dump(mode="json"))
