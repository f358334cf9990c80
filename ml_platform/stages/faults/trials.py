"""Trials: plant every kind of fault into a model's own data and see what catches it - mutation testing for a policy.

Reference and batch are drawn from the same rows by chance and share none, so that whatever closes a gate on the faulty
batch but not on the clean one is the fault.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.core.fault_trial import FaultTrial
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.spec import ModelSpec, Role
from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.faults.fault import Aim, Scene, Severity
from ml_platform.stages.faults.gates import PUT_ASIDE, Heard, Known, hear_gates
from ml_platform.stages.faults.inject import inject, known
from ml_platform.stages.faults.remedy import remedy
from ml_platform.stages.faults.rows import OwnRows
from ml_platform.stages.profile import profile
from ml_platform.stages.pseudonymise import as_stored

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads these dataclasses' annotations)

FEWEST_ROWS = 200
REFERENCE_ROWS = 5_000
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where faults are tried: the model's file, its rows, a clean batch of them, and what is said of it as it is."""

    file: GovernedModelFile
    own: OwnRows
    scene: Scene
    batch: pd.DataFrame
    now: dt.datetime
    known: Known
    clean: Heard

    def hear(self, batch: pd.DataFrame) -> Heard:
        """Return what the gates say of a batch."""
        return hear_gates(self.file.spec, self.file.policy, batch, known=self.known, now=self.now)


def prepare(file: GovernedModelFile, own: OwnRows, *, size: int, seed: int, now: dt.datetime) -> Ground:
    """Draw a batch of `size` rows (at most half of them) and a reference from accepted rows, and judge it clean.

    Of tokens nothing is asked that the contract says of an original's form. Raises DataInvalid when there are too few
    rows, and when the contract refuses them as they are.
    """
    file = replace(file, spec=as_stored(file.spec)) if own.stored else file
    spec, rows = file.spec, own.drawn_from
    if len(rows) < 2 * FEWEST_ROWS:
        message = f"{spec.model}: {len(rows):,} rows; at least {2 * FEWEST_ROWS} are needed to try faults; take more"
        raise DataInvalid(message)
    order = np.random.default_rng(seed).permutation(len(rows))
    size = min(size, len(rows) // 2)
    places = (np.sort(order[size : size + REFERENCE_ROWS]), np.sort(order[:size]))
    reference, batch = (rows.iloc[of].reset_index(drop=True) for of in places)
    good = Known(rows=reference, profile=profile(spec, reference))
    clean = hear_gates(spec, file.policy, batch, known=good, now=now)
    _require_accepted(spec, clean)
    return Ground(
        file=file,
        own=own,
        scene=Scene.of(reference, target=spec.target, columns=_used(spec)),
        batch=batch,
        now=now,
        known=good,
        clean=clean,
    )


def _require_accepted(spec: ModelSpec, clean: Heard) -> None:
    """Raise DataInvalid when no row of the clean batch keeps the contract: beside that no fault could show."""
    if clean.refused:
        raise DataInvalid(
            f"{spec.model}: the contract refuses the model's own rows as they are, without any fault; rows that keep "
            "it are needed to try faults; correct the contract, or run the model again for a snapshot that keeps it"
        )


def _used(spec: ModelSpec) -> list[str]:
    """Return the columns that have a use: what goes wrong in others harms nobody."""
    return [name for name, column in spec.contract.items() if column.roles - {Role.NOT_USED}]


def try_faults(ground: Ground, kinds: Sequence[str] = tuple(FAULTS), *, seed: int) -> Iterator[FaultTrial]:
    """Plant each kind at each severity at one place by chance; what changes nothing in these rows is left out."""
    for kind in kinds:
        fault = known(kind)
        rng = np.random.default_rng([seed, tuple(FAULTS).index(kind)])
        aims = fault.aims(ground.scene, rng)
        order = [aims[place] for place in rng.permutation(len(aims))]
        aim = next((one for one in order[:TRIES] if _planted(ground, kind, Severity.LARGE, one, seed)[1]), None)
        if aim is not None:
            found = (_trial(ground, kind, severity, aim, seed) for severity in Severity)
            yield from (trial for trial in found if trial.rows_touched)


def _planted(ground: Ground, kind: str, severity: Severity, aim: Aim, seed: int) -> tuple[pd.DataFrame, int]:
    rng = np.random.default_rng(seed)
    made = inject(ground.batch, kind, severity=severity, rng=rng, scene=ground.scene, aim=aim)
    return made.frame, made.rows_touched


def _trial(ground: Ground, kind: str, severity: Severity, aim: Aim, seed: int) -> FaultTrial:
    frame, touched = _planted(ground, kind, severity, aim, seed)
    heard = ground.hear(frame)
    caught = sorted(heard.closed - ground.clean.closed)
    warned = sorted(heard.warning - ground.clean.warning)
    warned += [PUT_ASIDE] if heard.put_aside > ground.clean.put_aside else []
    spec, policy = ground.file.spec, ground.file.policy
    line = "" if caught else remedy(spec, policy, clean=ground.clean, faulty=heard, own=ground.own)
    return FaultTrial(
        kind=kind,
        meaning=FAULTS[kind].meaning,
        severity=severity.value,
        size=FAULTS[kind].size(severity),
        unit=FAULTS[kind].unit,
        columns=aim.columns,
        rows_touched=touched,
        caught_by=tuple(caught),
        warned_by=tuple(warned),
        remedy=line,
        closed_anyway=tuple(sorted(ground.clean.closed)),
    )
