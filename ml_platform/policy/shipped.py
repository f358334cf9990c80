"""The policy that the platform ships, for callers that have no model file."""

from __future__ import annotations

from functools import lru_cache

from ml_platform.policy.packs import combine, pack_files
from ml_platform.policy.resolve import Policy, make_policy


@lru_cache(maxsize=4)
def shipped_policy(pack: str = "base") -> Policy:
    """Return the platform's own gates, or those of another of its packs; PolicyInvalid for one that there isn't."""
    gates = combine((pack,), pack_files())
    return make_policy(gates.gates, (), gates.approvals, gates.packs, signed_approvals=gates.signed_approvals)
