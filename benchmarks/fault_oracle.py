"""The oracle: how surely a test that knows the fault exactly would find it. What it can't find, nobody has to.

It knows the kind, the size, the columns, the slice and the levels; it doesn't know which rows. Its power at alpha =
0.01 is that of one sum over the batch's rows, compared with the same sum over the reference's rows (both are samples,
so the difference's standard error holds both):

- **Schema faults** (a column gone, renamed, retyped, numbers or times as text) are found with certainty.
- **Selected rows** (a slice, a tail or an outcome too rare or too frequent): the sum is the count of rows in the
  slice; for independent rows that is the likelihood-ratio test.
- **Repeated rows and stale feeds** live between rows: the sums are counts of exact repeats within the batch, of rows
  that are in the reference, and of rows equal to the row before; their mean and spread come from simulated batches.
- **Everything else** is in the cells: the candidates are simple scores of the aimed columns (value, distance from
  the middle, missing, unseen, odd spelling, off the grid, ...), what the other columns say about them (residuals and
  log-probabilities of LightGBM models fitted on clean rows), a linear and a boosted classifier of clean against faulty
  rows. Rows are used once: a quarter each to fit those models, to train the classifiers, to choose the best candidate,
  and to measure it, the fault planted into the same rows that are measured clean. A sum of scores is compared by the
  normal approximation, a count of rare rows by the binomial distribution. What the reference never showed may still
  have a rate of 1 in 2 m; only what can't be in clean rows (a number three times further out than any of the whole
  table, a known level in other letters, blanks or encoding) has none, and one such row is enough.

It is a bound from below on what can be found, as every concrete test is, and close where the best test is such a sum.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from fault_classifiers import matrix_of, trained
from fault_power import Score, power_of_counts, power_of_scores, power_of_simulated, worth
from fault_scores import RowScores, Scores
from fault_tables import Encoder, Table, as_numbers

from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.faults.fault import Aim, Scene, Severity
from ml_platform.stages.faults.inject import inject

ROOT = Path(__file__).resolve().parents[1]
MOST_ROWS = 6000
SIMULATED = 12
CERTAIN = {"column_dropped", "column_renamed", "column_retyped", "number_as_text", "date_formats_mixed"}
SELECTED = {"slice_lost", "slice_grown", "tail_lost", "label_shift"}
BETWEEN_ROWS = {"rows_duplicated", "rows_from_training", "stale_block", "stale_repeats", "frozen"}
IN_ROW_ORDER = {"join_shifted", "stale_block", "stale_repeats", "frozen", "missing_in_a_block"}
CODE = ("oracle", "power", "scores", "spelling", "classifiers", "tables")


@dataclass(frozen=True)
class Candidate:
    """A score of rows, clean and faulty: of the rows that choose among scores and of those that measure the chosen."""

    name: str
    choose: tuple[Score, Score]
    measure: tuple[Score, Score]


@dataclass
class Oracle:
    """One table's oracle; it keeps what it has fitted."""

    table: Table
    seed: int = 5
    parts: dict[str, pd.DataFrame] = field(init=False)
    _scores: RowScores = field(init=False)
    _measured: dict[tuple[object, ...], list[Candidate]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.new = 0
        self.remembered: dict[str, float] = json.loads(self._memory.read_text()) if self._memory.exists() else {}
        rng = np.random.default_rng(self.seed)
        rows, quarter = self.table.rows, min(MOST_ROWS, len(self.table.rows) // 4)
        order = rng.permutation(len(rows))
        names = ("fit", "train", "choose", "measure")
        self.parts = {
            name: rows.iloc[np.sort(order[quarter * place : quarter * (place + 1)])].reset_index(drop=True)
            for place, name in enumerate(names)
        }
        fit = self.parts["fit"]
        self._scores = RowScores(rows, fit, Encoder.of(fit, list(rows.columns)))

    def power(self, scene: Scene, kind: str, severity: Severity, aim: Aim, *, n: int, m: int, in_order: bool) -> float:
        """Return the power for a batch of n rows against a reference of m; `in_order`: rows in the table's order."""
        key = f"{kind} {severity} {aim!r} {n} {m} {in_order}"
        if key not in self.remembered:
            self.remembered[key] = self._power(scene, kind, severity, aim, n=n, m=m, in_order=in_order)
            self.new += 1
            if self.new % 20 == 0:
                self.remember()
        return self.remembered[key]

    def remember(self) -> None:
        """Write down what was found: the next run needs it too."""
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        self._memory.write_text(json.dumps(self.remembered))

    @property
    def _memory(self) -> Path:
        """One file for a table, a seed and what the code was that measured."""
        made = sorted(
            {one.__module__ for fault in FAULTS.values() for one in (fault.plant, fault.aims)} | {inject.__module__}
        )
        code = [
            *(ROOT / "benchmarks" / f"fault_{name}.py" for name in CODE),
            *(ROOT / f"{name.replace('.', '/')}.py" for name in made),
        ]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()[:12]
        return (
            ROOT
            / ".cache"
            / "benchmarks"
            / "oracle"
            / f"{self.table.name}-{len(self.table.rows)}-{self.seed}-{digest}.json"
        )

    def _power(self, scene: Scene, kind: str, severity: Severity, aim: Aim, *, n: int, m: int, in_order: bool) -> float:
        if kind in CERTAIN:
            return 1.0
        if kind in SELECTED:
            return self._of_selected(scene, kind, severity, aim, n=n, m=m)
        within = (
            self._of_cells(scene, kind, severity, aim, n=n, m=m, in_order=in_order)
            if kind not in {"rows_duplicated", "rows_from_training"}
            else 0.0
        )
        if kind in BETWEEN_ROWS or (kind == "missing_in_a_block" and within < 0.8):
            return max(within, self._between_rows(kind, severity, aim, n=n, m=m, in_order=in_order))
        return within

    def _of_selected(self, scene: Scene, kind: str, severity: Severity, aim: Aim, *, n: int, m: int) -> float:
        clean = pd.concat([self.parts["choose"], self.parts["measure"]], ignore_index=True)
        faulty = inject(
            clean, kind, severity=severity, rng=np.random.default_rng(self.seed), scene=scene, aim=aim
        ).frame
        if kind == "tail_lost":
            bound = as_numbers(faulty[aim.columns[0]])
            inside = [as_numbers(frame[aim.columns[0]]) > np.nanmax(bound) for frame in (clean, faulty)]
        elif kind == "label_shift":
            inside = [
                (frame[aim.columns[0]] == aim.levels[-1]).fillna(value=False).to_numpy() for frame in (clean, faulty)
            ]
        else:
            assert aim.slice is not None
            inside = [aim.slice.rows(frame) for frame in (clean, faulty)]
        kept = len(faulty) / len(clean)
        return power_of_counts(inside[0].mean(), inside[1].mean(), n=round(n * kept), m=m)

    def _of_cells(
        self, scene: Scene, kind: str, severity: Severity, aim: Aim, *, n: int, m: int, in_order: bool
    ) -> float:
        in_order = in_order and kind in IN_ROW_ORDER
        key = (kind, severity, aim.columns, aim.slice, aim.levels, in_order)
        if key not in self._measured:
            self._measured[key] = self._best_scores(scene, kind, severity, aim, in_order=in_order)
        best = max(self._measured[key], key=lambda score: worth(score.name, *score.choose, n=n, m=m))
        return power_of_scores(best.name, *best.measure, n=n, m=m)

    def _best_scores(self, scene: Scene, kind: str, severity: Severity, aim: Aim, *, in_order: bool) -> list[Candidate]:
        rng = np.random.default_rng(self.seed)
        pairs: dict[str, tuple[Scores, Scores]] = {}
        for part in ("train", "choose", "measure"):
            clean = self.parts[part]
            clean = clean if in_order else clean.iloc[rng.permutation(len(clean))].reset_index(drop=True)
            faulty = inject(clean, kind, severity=severity, rng=rng, scene=scene, aim=aim).frame
            pairs[part] = self._scores.of(clean, aim), self._scores.of(faulty, aim)
        classifiers = trained(*pairs["train"])
        for pair in pairs.values():
            for scores in pair:
                matrix = matrix_of(scores)
                scores.update({name: score(matrix) for name, score in classifiers.items()})
        found = [
            Candidate(name, choose=_of_both(pairs["choose"], name), measure=_of_both(pairs["measure"], name))
            for name in pairs["choose"][0]
        ]
        best: dict[str, Candidate] = {}
        for n in (500, 5000, 50000):
            ranked = sorted(found, key=lambda score: -worth(score.name, *score.choose, n=n, m=n))
            best |= {score.name: score for score in ranked[:3]}
        return list(best.values())

    def _between_rows(self, kind: str, severity: Severity, aim: Aim, *, n: int, m: int, in_order: bool) -> float:
        """Simulate batches: exact repeats, rows of the reference, and rows equal to the one before."""
        clean: list[list[float]] = []
        faulty: list[list[float]] = []
        for place in range(SIMULATED):
            rng = np.random.default_rng([self.seed, place])
            reference, batch = draw(self.table.rows, n=n, m=m, rng=rng, in_order=in_order)
            scene = Scene.of(reference, target=self.table.target, columns=aim.columns or list(reference.columns))
            planted = inject(batch, kind, severity=severity, rng=rng, scene=scene, aim=aim).frame
            for frame, counts in ((batch, clean), (planted, faulty)):
                counts.append(_repeats(frame, reference, aim))
        return max(power_of_simulated(*pair) for pair in zip(np.transpose(clean), np.transpose(faulty), strict=True))


def _of_both(pair: tuple[Scores, Scores], name: str) -> tuple[Score, Score]:
    """Return one score of the clean and of the faulty rows, at half the memory: there are many."""
    return pair[0][name].astype(np.float32), pair[1][name].astype(np.float32)


def draw(
    rows: pd.DataFrame, *, n: int, m: int, rng: np.random.Generator, in_order: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a reference of m rows and a batch of n others, in the table's order or in a random one."""
    picked = rng.permutation(len(rows))[: n + m]
    places = [picked[:m], picked[m:]]
    reference, batch = (rows.iloc[np.sort(of) if in_order else of].reset_index(drop=True) for of in places)
    return reference, batch


def _repeats(frame: pd.DataFrame, reference: pd.DataFrame, aim: Aim) -> list[float]:
    if not aim.columns:
        keys = pd.util.hash_pandas_object(frame, index=False)
        others = pd.util.hash_pandas_object(reference[list(frame.columns)].astype(frame.dtypes.to_dict()), index=False)
        return [float(keys.duplicated().sum()), float(keys.isin(set(others)).sum())]
    values = frame[aim.columns[0]].astype(object)
    same = ((values == values.shift()) | (values.isna() & values.shift().isna())).to_numpy(dtype=bool)
    runs = np.diff(np.flatnonzero(np.concatenate([[True], ~same, [True]])))
    return [float(same.mean()), float(runs.max())]
