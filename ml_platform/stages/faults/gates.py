"""Gates: what the gates on a snapshot say of a batch, measured as for a snapshot and stored nowhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Verdict
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.stages.contract import check_contract
from ml_platform.stages.inspection.against_contract import inspected_columns
from ml_platform.stages.inspection.measure import measure_batch
from ml_platform.stages.personal_data import undeclared
from ml_platform.stages.profile import profile
from ml_platform.stages.snapshot_measurements import Profile, measure_snapshot

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.policy.resolve import Policy
    from ml_platform.policy.spec import ModelSpec

STAGE = "snapshot"
REFUSED = "contract"
PUT_ASIDE = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the gates said: their verdicts, the rows accepted and put aside, or that the whole batch was refused."""

    verdicts: tuple[Verdict, ...] = ()
    put_aside: int = 0
    refused: bool = False
    accepted: pd.DataFrame | None = field(default=None, repr=False, compare=False)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Rows that are good, and their profile."""

    rows: pd.DataFrame
    profile: Profile


def hear_gates(spec: ModelSpec, policy: Policy, batch: pd.DataFrame, *, known: Known, now: dt.datetime) -> Heard:
    """Check the contract, measure the batch alone and against good rows, and judge the gates of a snapshot."""
    try:
        checked = check_contract(spec, batch)
    except DataInvalid:
        return Heard(refused=True)
    if checked.refused.all():
        return Heard(refused=True)
    accepted = checked.accepted
    described = profile(spec, accepted)
    names = inspected_columns(spec.contract)
    measured = (
        *measure_snapshot(
            spec,
            checked,
            accepted,
            described,
            reference=known.profile,
            frame=batch,
            suspects=undeclared(spec, batch),
        ),
        *measure_batch(known.rows[names], accepted[names], target=spec.target).measurements,
    )
    conditions = conditions_of(spec, reference=True, new_rows=True)
    return Heard(
        verdicts=judge(policy, STAGE, measured, conditions=conditions, now=now),
        put_aside=int(checked.refused.sum()),
        accepted=accepted,
    )
