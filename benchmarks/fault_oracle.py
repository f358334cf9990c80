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

import contextlib
import hashlib
import json
import unicodedata
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from fault_tables import Encoder, Table, as_numbers
from numpy.typing import NDArray
from scipy import stats

from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.faults.fault import Aim, Scene, Severity
from ml_platform.stages.faults.inject import inject

ROOT = Path(__file__).resolve().parents[1]
ALPHA = 0.01
MOST_ROWS = 6000
SIMULATED = 12
CERTAIN = {"column_dropped", "column_renamed", "column_retyped", "number_as_text", "date_formats_mixed"}
SELECTED = {"slice_lost", "slice_grown", "tail_lost", "label_shift"}
BETWEEN_ROWS = {"rows_duplicated", "rows_from_training", "stale_block", "stale_repeats", "frozen"}
IN_ROW_ORDER = {"join_shifted", "stale_block", "stale_repeats", "frozen", "missing_in_a_block"}
NEVER = "never in clean rows"

Scores = dict[str, NDArray[np.float64]]
Score = NDArray[np.float64]


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
    encoder: Encoder = field(init=False)
    _residuals: dict[str, object] = field(init=False, default_factory=dict)
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
        self.encoder = Encoder.of(self.parts["fit"], list(rows.columns))

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
        code = [Path(__file__), *(ROOT / f"{name.replace('.', '/')}.py" for name in made)]
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
        best = max(self._measured[key], key=lambda score: _worth(score.name, *score.choose, n=n, m=m))
        return power_of_scores(best.name, *best.measure, n=n, m=m)

    def _best_scores(self, scene: Scene, kind: str, severity: Severity, aim: Aim, *, in_order: bool) -> list[Candidate]:
        rng = np.random.default_rng(self.seed)
        pairs = {}
        for part in ("train", "choose", "measure"):
            clean = self.parts[part]
            clean = clean if in_order else clean.iloc[rng.permutation(len(clean))].reset_index(drop=True)
            faulty = inject(clean, kind, severity=severity, rng=rng, scene=scene, aim=aim).frame
            pairs[part] = tuple(self._features(frame, aim) for frame in (clean, faulty))
        classifiers = _trained(*pairs["train"])
        for pair in pairs.values():
            for scores in pair:
                matrix = _matrix(scores)
                scores.update({name: score(matrix) for name, score in classifiers.items()})
        found = [
            Candidate(
                name, *(tuple(one[name].astype(np.float32) for one in pairs[part]) for part in ("choose", "measure"))
            )
            for name in pairs["choose"][0]
        ]
        best: dict[str, Candidate] = {}
        for n in (500, 5000, 50000):
            ranked = sorted(found, key=lambda score: -_worth(score.name, *score.choose, n=n, m=n))
            best |= {score.name: score for score in ranked[:3]}
        return list(best.values())

    def _features(self, frame: pd.DataFrame, aim: Aim) -> Scores:
        """Return scores of rows: of the aimed columns in detail, of every column as a number."""
        found: Scores = {}
        names = list(aim.columns[:6]) if aim.columns else []
        for name in names:
            found.update(self._column(frame, name, aim))
        if aim.slice is not None:
            inside = aim.slice.rows(frame).astype(float)
            found.update({f"{name} in the slice": score * inside for name, score in list(found.items())})
            found["slice"] = inside
        codes = self.encoder.values(frame)
        found.update({f"={name}": codes[:, place] for place, name in enumerate(self.encoder.columns)})
        return found

    def _column(self, frame: pd.DataFrame, name: str, aim: Aim) -> Scores:
        fitted, values = self.parts["fit"][name], frame[name]
        found: Scores = {"missing": values.isna().to_numpy(dtype=float)}
        codes, usual = self.encoder.column(frame, name), self.encoder.column(self.parts["fit"], name)
        if name not in self.encoder.levels:
            middle, spread = np.nanmedian(usual), np.nanstd(usual) or 1.0
            z = (codes - middle) / spread
            known = np.unique(usual[~np.isnan(usual)])
            steps = np.abs(codes[:, None] * 10.0 ** np.arange(4) - np.rint(codes[:, None] * 10.0 ** np.arange(4)))
            found |= {
                "value": np.clip(z, -10, 10),
                "distance": np.minimum(np.abs(z), 10),
                "squared": np.minimum(z**2, 25),
                "zero": (codes == 0).astype(float),
                "negative": (codes < 0).astype(float),
                "middle": (codes == middle).astype(float),
                "above": (codes > known.max()).astype(float) if known.size else np.zeros(len(frame)),
                "below": (codes < known.min()).astype(float) if known.size else np.zeros(len(frame)),
                "unseen": (~np.isin(codes, known) & ~np.isnan(codes)).astype(float),
                "decimals": np.where(
                    np.isnan(codes), 0, (steps > 1e-6 * (1 + np.abs(codes[:, None]))).sum(axis=1)
                ).astype(float),
                "whole ten": (np.mod(codes, 10) == 0).astype(float),
                "top": (codes == np.nanmax(codes)).astype(float),
                "midnight": (np.mod(codes, 1) == 0).astype(float),
                "of the day": np.nan_to_num(np.mod(codes, 1)),
            }
            furthest = np.nanmax(np.abs(as_numbers(self.table.rows[name]) - middle))
            found[f"beyond, {NEVER}"] = (np.abs(codes - middle) > 3 * furthest).astype(float)
            if aim.levels and isinstance(aim.levels[0], (int, float)):
                found["aimed"] = (codes == float(aim.levels[0])).astype(float)
        texts = values.astype(object)
        if name in self.encoder.levels or self.table.rows[name].nunique() <= 30:
            share = fitted.astype(object).value_counts(normalize=True)
            found["rarity"] = -np.log(texts.map(share).astype(float).fillna(1e-4).to_numpy())
            found["unseen"] = (~texts.isin(set(share.index)) & texts.notna()).to_numpy(dtype=float)
            for level in (*aim.levels, *share.index[:12]):
                found[f"is {level}"] = (texts == level).fillna(value=False).to_numpy(dtype=float)
            found |= _spelling(texts, set(share.index), set(self.table.rows[name].dropna().astype(object)))
        said = {f"{name} {label}": score for label, score in found.items()}
        return said | {f"{name} {label}": score for label, score in self._given_others(frame, name, codes).items()}

    def _given_others(self, frame: pd.DataFrame, name: str, codes: Score) -> Scores:
        """Score a column by what the other columns say about it, in models of clean rows."""
        import lightgbm

        others = Encoder(columns=tuple(one for one in self.encoder.columns if one != name), levels=self.encoder.levels)
        if name not in self._residuals:
            self._residuals[name] = self._fit_column(name, others)
        model, classes, scale = self._residuals[name]
        if model is None:
            return {}
        assert isinstance(model, lightgbm.Booster)
        predicted = np.asarray(model.predict(others.values(frame), num_threads=1))
        if classes is not None:
            place = np.searchsorted(classes, np.nan_to_num(codes, nan=classes[0]))
            fits = (place < len(classes)) & ~np.isnan(codes)
            fits[fits] = classes[place[fits]] == codes[fits]
            chance = np.full(len(codes), 1e-3)
            chance[fits] = predicted[np.flatnonzero(fits), place[fits]]
            return {"improbable": np.where(np.isnan(codes), 0.0, -np.log(np.maximum(chance, 1e-4)))}
        z = np.nan_to_num(np.clip((codes - predicted) / scale, -20, 20))
        log = np.nan_to_num(np.log(np.maximum(np.abs(codes), 1e-6) / np.maximum(np.abs(predicted), 1e-6)))
        return {
            "residual": z, "residual size": np.abs(z), "residual squared": np.minimum(z**2, 25),
            "residual far": (np.abs(z) > 3).astype(float), "ratio": np.clip(log, -5, 5),
        }  # fmt: skip

    def _fit_column(self, name: str, others: Encoder) -> tuple[object, NDArray[np.float64] | None, float]:
        import lightgbm

        clean = self.parts["fit"]
        codes, matrix = self.encoder.column(clean, name), others.values(clean)
        there = ~np.isnan(codes)
        distinct = np.unique(codes[there])
        if there.sum() < 200 or distinct.size < 2:
            return None, None, 1.0
        settings = {
            "num_leaves": 15,
            "num_threads": 1,
            "seed": 1,
            "verbosity": -1,
            "learning_rate": 0.1,
            "min_data_in_leaf": 20,
        }
        if distinct.size <= 12:
            target = np.searchsorted(distinct, codes[there])
            settings |= {"objective": "multiclass", "num_class": distinct.size}
            return lightgbm.train(settings, lightgbm.Dataset(matrix[there], target), 30), distinct, 1.0
        settings |= {"objective": "regression"}
        held = np.arange(there.sum()) % 4 == 0
        learned = lightgbm.train(settings, lightgbm.Dataset(matrix[there][~held], codes[there][~held]), 80)
        error = codes[there][held] - np.asarray(learned.predict(matrix[there][held], num_threads=1))
        return learned, None, float(np.quantile(np.abs(error), 0.68)) or float(np.std(error)) or 1.0

    def _between_rows(self, kind: str, severity: Severity, aim: Aim, *, n: int, m: int, in_order: bool) -> float:
        """Simulate batches: exact repeats, rows of the reference, and rows equal to the one before."""
        clean, faulty = [], []
        for place in range(SIMULATED):
            rng = np.random.default_rng([self.seed, place])
            reference, batch = draw(self.table.rows, n=n, m=m, rng=rng, in_order=in_order)
            scene = Scene.of(reference, target=self.table.target, columns=aim.columns or list(reference.columns))
            planted = inject(batch, kind, severity=severity, rng=rng, scene=scene, aim=aim).frame
            for frame, counts in ((batch, clean), (planted, faulty)):
                counts.append(_repeats(frame, reference, aim))
        return max(_power_of_simulated(*pair) for pair in zip(np.transpose(clean), np.transpose(faulty), strict=True))


def draw(
    rows: pd.DataFrame, *, n: int, m: int, rng: np.random.Generator, in_order: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a reference of m rows and a batch of n others, in the table's order or in a random one."""
    picked = rng.permutation(len(rows))[: n + m]
    places = [picked[:m], picked[m:]]
    reference, batch = (rows.iloc[np.sort(of) if in_order else of].reset_index(drop=True) for of in places)
    return reference, batch


def power_of_counts(p0: float, p1: float, *, n: int, m: int) -> float:
    """Return the power to tell a share p1 of n rows from p0 of m: binomial where rows are few, else normal.

    >>> round(power_of_counts(0.1, 0.1, n=1000, m=1000), 2), round(power_of_counts(0.1, 0.2, n=1000, m=1000), 2)
    (0.01, 1.0)
    """
    pooled = max(p0, 0.5 / (m + 1))
    if min(pooled, 1 - pooled) * n < 20:
        low = p1 < p0
        if low:
            bound = stats.binom.ppf(ALPHA, n, pooled) - 1
            return float(stats.binom.cdf(bound, n, p1)) if bound >= 0 else 0.0
        return float(stats.binom.sf(stats.binom.isf(ALPHA, n, pooled), n, p1))
    before = np.sqrt(p0 * (1 - p0) * (1 / n + 1 / m))
    after = np.sqrt(p1 * (1 - p1) / n + p0 * (1 - p0) / m) or 1e-12
    return float(stats.norm.cdf((abs(p1 - p0) - stats.norm.isf(ALPHA) * before) / after))


def _worth(name: str, clean: Score, faulty: Score, *, n: int, m: int) -> float:
    """Say how well a score tells faulty from clean, to choose among scores: in standard errors of its mean."""
    if NEVER in name or (_is_count(clean, faulty) and clean.mean() * n <= 20):
        power = power_of_scores(name, clean, faulty, n=n, m=m)
        return float(stats.norm.ppf(np.clip(power, 1e-15, 1 - 1e-15)) + stats.norm.isf(ALPHA))
    return _strength(clean, faulty, n, m)


def _is_count(clean: Score, faulty: Score) -> bool:
    return set(np.unique(clean)) | set(np.unique(faulty)) <= {0.0, 1.0}


def power_of_scores(name: str, clean: Score, faulty: Score, *, n: int, m: int) -> float:
    """Return the power of the mean of a score, measured on the same rows clean and faulty.

    The difference is taken one standard error nearer to zero than it was measured (rows are paired), so that chance
    alone makes nothing detectable at a large n.
    """
    if NEVER in name:
        return float(1 - (1 - faulty.mean()) ** n) if clean.sum() == 0 else 0.0
    if _is_count(clean, faulty):
        p0, p1 = float(clean.mean()), float(faulty.mean())
        doubt = np.std(faulty - clean) / np.sqrt(len(clean))
        p1 = p0 + np.sign(p1 - p0) * max(0.0, abs(p1 - p0) - doubt)
        return power_of_counts(p0, p1, n=n, m=m)
    return float(stats.norm.cdf(_strength(clean, faulty, n, m) - stats.norm.isf(ALPHA)))


def _strength(clean: Score, faulty: Score, n: int, m: int) -> float:
    paired = faulty - clean
    doubt = np.std(paired) / np.sqrt(len(paired))
    difference = max(0.0, abs(paired.mean()) - doubt)
    spread = np.sqrt(max(np.var(clean), np.var(faulty)) / n + np.var(clean) / m)
    return float(difference / spread) if spread > 0 else 50.0 * float(difference > 0)


def _spelling(texts: pd.Series, known: set[object], everywhere: set[object]) -> Scores:
    """Score texts that are a known level in other letters, blanks or encoding, or one letter off a known one."""
    forms = {_form(str(level)) for level in everywhere}
    strange = {one for one in set(texts.dropna()) if one not in known}
    odd = {one for one in strange - everywhere if _form(str(one)) in forms}
    near = {one for one in strange if len(known) <= 300 and any(_one_off(str(one), str(level)) for level in known)}
    return {f"odd, {NEVER}": texts.isin(odd).to_numpy(dtype=float), "near": texts.isin(near).to_numpy(dtype=float)}


def _form(text: str) -> str:
    """Return a text without what case, blanks and a wrong encoding do to it."""
    with contextlib.suppress(UnicodeError):
        text = text.encode("cp1252").decode("utf-8")
    plain = unicodedata.normalize("NFKD", text.replace("–", "-").replace("’", "'"))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split()).casefold()


def _one_off(one: str, other: str) -> bool:
    """Return whether one letter was changed, added, lost or swapped with its neighbour."""
    if abs(len(one) - len(other)) > 1:
        return False
    first = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[first:], other[first:]
    return a[1:] == b[1:] or a == b[1:] or a[1:] == b or (a[:2] == b[:2][::-1] and a[2:] == b[2:])


def _matrix(scores: Scores) -> NDArray[np.float64]:
    return np.column_stack([score for name, score in scores.items() if not name.startswith("~")])


def _trained(clean: Scores, faulty: Scores):  # noqa: ANN202 - two functions by name
    """Train a linear and a boosted classifier of faulty rows against the same rows clean."""
    import lightgbm

    before, after = _matrix(clean), _matrix(faulty)
    values, origin = np.vstack([before, after]), np.repeat([0.0, 1.0], [len(before), len(after)])
    settings = {
        "objective": "binary", "num_leaves": 15, "num_threads": 1, "seed": 1, "verbosity": -1, "learning_rate": 0.1,
        "min_data_in_leaf": 40,
    }  # fmt: skip
    boosted = lightgbm.train(settings, lightgbm.Dataset(values, origin), 40)
    middle, spread = np.nanmean(before, axis=0), np.nanstd(before, axis=0)
    spread = np.where(spread > 0, spread, 1.0)

    def scaled(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.nan_to_num(np.clip((matrix - middle) / spread, -8, 8))

    # Fisher's direction: what moved, in units of how it varies together.
    moved = scaled(after).mean(axis=0) - scaled(before).mean(axis=0)
    together = np.cov(scaled(before), rowvar=False) + 0.02 * np.eye(before.shape[1])
    direction = np.linalg.solve(together, moved)
    return {
        "~boosted": lambda matrix: np.clip(np.asarray(boosted.predict(matrix, raw_score=True, num_threads=1)), -6, 6),
        "~linear": lambda matrix: np.clip(scaled(matrix) @ direction, -1e6, 1e6),
    }


def _repeats(frame: pd.DataFrame, reference: pd.DataFrame, aim: Aim) -> list[float]:
    if not aim.columns:
        keys = pd.util.hash_pandas_object(frame, index=False)
        others = pd.util.hash_pandas_object(reference[list(frame.columns)].astype(frame.dtypes.to_dict()), index=False)
        return [float(keys.duplicated().sum()), float(keys.isin(set(others)).sum())]
    values = frame[aim.columns[0]].astype(object)
    same = ((values == values.shift()) | (values.isna() & values.shift().isna())).to_numpy(dtype=bool)
    runs = np.diff(np.flatnonzero(np.concatenate([[True], ~same, [True]])))
    return [float(same.mean()), float(runs.max())]


def _power_of_simulated(clean: Score, faulty: Score) -> float:
    """Return the normal power for counts of simulated batches; a count spreads at least as a Poisson one does."""
    floor = np.sqrt(max(clean.mean(), 1.0)) if clean.max() > 1 or faulty.max() > 1 else 1e-3
    spread = max(float(np.std(clean, ddof=1)), floor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after = max(float(np.std(faulty, ddof=1)), floor)
    return float(stats.norm.cdf((faulty.mean() - clean.mean() - stats.norm.isf(ALPHA) * spread) / after))
