"""Gates: what the data gates of a model say of a batch, without storing anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Verdict
from ml_platform.policy.judge import judge
from ml_platform.stages.contract import check_contract
from ml_platform.stages.profile import profile
from ml_platform.stages.snapshot_measurements import measure_snapshot

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.resolve import Policy
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.snapshot_measurements import Profile

STAGE = "snapshot"
REFUSED = "contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the gates said: their verdicts, or that the batch was refused before any could be judged."""

    verdicts: tuple[Verdict, ...] = ()
    refused: bool = False

    @property
    def closed(self) -> frozenset[str]:
        """Return the gates that stop the batch."""
        shut = {verdict.gate for verdict in self.verdicts if verdict.closes}
        return frozenset(shut | ({REFUSED} if self.refused else set()))

    @property
    def warning(self) -> frozenset[str]:
        """Return the gates that aren't open and stop nothing."""
        return frozenset(one.gate for one in self.verdicts if not one.outcome.opens and not one.closes)

    @property
    def measurements(self) -> Sequence[Measurement]:
        """Return everything that a gate looked at."""
        return tuple(one for verdict in self.verdicts for one in verdict.measurements)


def hear_gates(spec: ModelSpec, policy: Policy, batch: pd.DataFrame, *, reference: Profile, now: dt.datetime) -> Heard:
    """Check the contract, measure the batch against the reference's profile, and judge the gates of a snapshot."""
    try:
        checked = check_contract(spec, batch)
    except DataInvalid:
        return Heard(refused=True)
    if checked.refused.all():
        return Heard(refused=True)
    accepted = checked.accepted
    described = profile(spec, accepted)
    measured = measure_snapshot(spec, checked, accepted, described, reference=reference, frame=batch)
    return Heard(verdicts=judge(policy, STAGE, measured, conditions=frozenset({"reference"}), now=now))
