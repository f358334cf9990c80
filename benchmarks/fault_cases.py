"""The batches of the fault benchmark: how each is drawn from a table, and what is planted into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from fault_oracle import Oracle, draw
from fault_tables import Table, load_table

from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.faults.fault import Aim, Scene, Severity
from ml_platform.stages.faults.inject import inject

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = (1, 4)
MOST_REFERENCE = 50_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """One batch: how it is drawn and, unless it is clean, what is planted into it."""

    table: str
    n: int
    m: int
    seed: int
    in_order: bool
    scored: bool
    kind: str = ""
    severity: str = ""
    aim: int = 0

    @property
    def name(self) -> str:
        """Return a name for files."""
        return f"{Path(self.table).stem}-{self.n}-{self.seed}-{self.kind or 'clean'}-{self.severity}-{self.aim}"


class About(TypedDict):
    """What every detector's answer says of a case."""

    table: str
    n: int
    m: int
    kind: str
    severity: str
    columns: str
    power: float | None
    rows_touched: int


class Field:
    """One table with its oracle and the places that faults are aimed at, the same for every size of batch."""

    def __init__(self, name: str, kinds: list[str], aims: int, seed: int) -> None:
        self.table: Table = load_table(name)
        self.oracle = Oracle(self.table, seed=seed)
        scene = Scene.of(self.oracle.parts["fit"], target=self.table.target)
        self.aims: dict[str, list[Aim]] = {}
        for kind in kinds:
            places = FAULTS[kind].aims(scene, np.random.default_rng([seed, 2]))
            order = [places[place] for place in np.random.default_rng([seed, 1]).permutation(len(places))]
            self.aims[kind] = [aim for aim in order[: 4 * aims] if self._changes(kind, aim, scene)][:aims]
        self.scene = scene

    def _changes(self, kind: str, aim: Aim, scene: Scene) -> bool:
        rows = self.oracle.parts["measure"][:500]
        rng = np.random.default_rng(1)
        return inject(rows, kind, severity=Severity.LARGE, rng=rng, scene=scene, aim=aim).rows_touched > 0

    def frames(self, case: Case) -> tuple[pd.DataFrame, pd.DataFrame, int]:
        """Return reference, batch and how many rows the fault touched."""
        rng = np.random.default_rng([case.seed, case.n])
        reference, batch = draw(self.table.rows, n=case.n, m=case.m, rng=rng, in_order=case.in_order)
        if not case.kind:
            return reference, batch, 0
        aim = self.aims[case.kind][case.aim]
        scene = Scene.of(reference, target=self.table.target)
        made = inject(batch, case.kind, severity=Severity(case.severity), rng=rng, scene=scene, aim=aim)
        return reference, made.frame, made.rows_touched

    def about(self, case: Case, touched: int) -> About:
        """Return what every detector's answer says of the case."""
        return {
            "table": self.table.name, "n": case.n, "m": case.m, "kind": case.kind, "severity": case.severity,
            "power": self.power(case), "rows_touched": touched,
            "columns": ",".join(self.aims[case.kind][case.aim].columns) if case.kind else "",
        }  # fmt: skip

    def power(self, case: Case) -> float | None:
        """Return the oracle's power for a case, None for a clean one."""
        if not case.kind:
            return None
        aim = self.aims[case.kind][case.aim]
        severity = Severity(case.severity)
        return self.oracle.power(self.scene, case.kind, severity, aim, n=case.n, m=case.m, in_order=case.in_order)


def cases(field: Field, name: str, n: int, clean: int, seed: int) -> Iterator[Case]:
    """Say which batches are made of a table at a size: the clean ones, then every kind at every severity."""
    numbers = np.random.default_rng([seed, n]).integers(1, 2**31, 1_000_000)
    kinds = [
        (kind, severity.value, place)
        for kind, aims in field.aims.items()
        for severity in Severity
        for place in range(len(aims))
    ]
    for place, (kind, severity, aim) in enumerate([("", "", 0)] * clean + kinds):
        m = min(n * REFERENCES[place % 2], MOST_REFERENCE, len(field.table.rows) - n)
        yield Case(
            table=name, n=n, m=m, seed=int(numbers[place]), in_order=place // 2 % 2 == 0, scored=place // 4 % 2 == 0,
            kind=kind, severity=severity, aim=aim,
        )  # fmt: skip


def some(made: list[Case], *, clean: int, faulty: int) -> list[Case]:
    """Pick clean and faulty cases by chance, always the same ones."""
    rng = np.random.default_rng(3)
    found: list[Case] = []
    for group, most in (
        ([case for case in made if not case.kind], clean),
        ([case for case in made if case.kind], faulty),
    ):
        found += [group[place] for place in np.sort(rng.permutation(len(group))[:most])]
    return found
