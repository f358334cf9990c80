"""The policy of one model: all gates with their final limits, the waivers and the approvals, under one digest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from ml_platform.core.digest import digest_of
from ml_platform.policy.breaking import Breaking
from ml_platform.policy.freezes import Freeze
from ml_platform.policy.gates import Gate, Waiver
from ml_platform.policy.stages import STAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a model is held to; `digest` names its content, however the files are written.

    With `signed_approvals` only words that persons signed with their keys count. `freezes` and `breaking` are no part
    of the digest: when something is promoted, and who was told, says nothing about what was proven.
    """

    gates: Mapping[str, Gate]
    waivers: tuple[Waiver, ...]
    approvals: Mapping[str, int]
    digest: str
    packs: tuple[str, ...]
    signed_approvals: bool = False
    freezes: tuple[Freeze, ...] = ()
    breaking: Breaking | None = None

    def gates_of(self, stage: str) -> dict[str, Gate]:
        """Return the gates that guard a stage, by name."""
        return {name: gate for name, gate in self.gates.items() if gate.stage == stage}

    @property
    def required_stages(self) -> tuple[str, ...]:
        """Return the stages that hold a blocking gate, in the order of the flow."""
        blocking = {gate.stage for gate in self.gates.values() if gate.severity == "block"}
        return tuple(stage for stage in STAGES if stage in blocking)

    def waiver_of(self, gate: str) -> Waiver | None:
        """Return the waiver of a gate, expired or not."""
        return next((waiver for waiver in self.waivers if waiver.gate == gate), None)

    def approvals_for(self, environment: str) -> int:
        """Return how many approvals a promotion to an environment needs."""
        return self.approvals.get(environment, 0)


def make_policy(
    gates: Mapping[str, Gate],
    waivers: Sequence[Waiver],
    approvals: Mapping[str, int],
    packs: Sequence[str],
    *,
    signed_approvals: bool = False,
    freezes: Sequence[Freeze] = (),
    breaking: Breaking | None = None,
) -> Policy:
    """Put a policy together and name it by the digest of its gates, waivers and approvals."""
    ordered = tuple(sorted(waivers, key=lambda waiver: waiver.gate))
    return Policy(
        gates=MappingProxyType(dict(gates)),
        waivers=ordered,
        approvals=MappingProxyType(dict(approvals)),
        digest=digest_of(_content(gates, ordered, approvals, signed_approvals=signed_approvals)),
        packs=tuple(packs),
        signed_approvals=signed_approvals,
        freezes=tuple(freezes),
        breaking=breaking,
    )


def content_of(policy: Policy) -> dict[str, object]:
    """Return what the digest of a policy is taken of, as plain JSON; `parse_content` reads it."""
    return _content(policy.gates, policy.waivers, policy.approvals, signed_approvals=policy.signed_approvals)


def parse_content(content: object) -> Policy:
    """Return the policy of a content; raises ValueError when it isn't exactly one."""
    said = _Content.model_validate_json(json.dumps(content))
    policy = make_policy(said.gates, said.waivers, said.approvals, (), signed_approvals=said.signed_approvals)
    if digest_of(content) != policy.digest:
        message = "it holds more or less than a policy"
        raise ValueError(message)
    return policy


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    gates: dict[str, Gate]
    waivers: tuple[Waiver, ...]
    approvals: dict[str, int]
    signed_approvals: bool = False


def _content(
    gates: Mapping[str, Gate], waivers: Sequence[Waiver], approvals: Mapping[str, int], *, signed_approvals: bool
) -> dict[str, object]:
    return {
        "gates": {name: gate.model_dump(mode="json") for name, gate in gates.items()},
        "waivers": [waiver.model_dump(mode="json") for waiver in waivers],
        "approvals": {environment: count for environment, count in approvals.items() if count},
        **({"signed_approvals": True} if signed_approvals else {}),
    }
