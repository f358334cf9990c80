"""Scores of rows for the oracle: of the aimed columns in detail, and what the other columns say about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import lightgbm
import numpy as np
import pandas as pd
from fault_power import NEVER, Score
from fault_spelling import spelling
from fault_tables import Encoder, as_numbers

from ml_platform.stages.faults.fault import Aim

Scores = dict[str, Score]


@dataclass(frozen=True)
class _Model:
    """A model of one column by the others: of its classes' chances, or (no classes) of its value, with the spread."""

    booster: lightgbm.Booster
    classes: Score | None
    scale: float


@dataclass(frozen=True)
class RowScores:
    """What can be said of rows of a table, knowing its clean rows; it keeps the models it has fitted."""

    everywhere: pd.DataFrame
    fit: pd.DataFrame
    encoder: Encoder
    _models: dict[str, _Model | None] = field(init=False, default_factory=dict)

    def of(self, frame: pd.DataFrame, aim: Aim) -> Scores:
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
        fitted, values = self.fit[name], frame[name]
        found: Scores = {"missing": values.isna().to_numpy().astype(np.float64)}
        codes, usual = self.encoder.column(frame, name), self.encoder.column(self.fit, name)
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
            furthest = np.nanmax(np.abs(as_numbers(self.everywhere[name]) - middle))
            found[f"beyond, {NEVER}"] = (np.abs(codes - middle) > 3 * furthest).astype(float)
            if aim.levels and isinstance(aim.levels[0], (int, float)):
                found["aimed"] = (codes == float(aim.levels[0])).astype(float)
        texts = values.astype(object)
        if name in self.encoder.levels or self.everywhere[name].nunique() <= 30:
            share = fitted.astype(object).value_counts(normalize=True)
            found["rarity"] = -np.log(texts.map(share).astype(float).fillna(1e-4).to_numpy())
            found["unseen"] = (~texts.isin(set(share.index)) & texts.notna()).to_numpy().astype(np.float64)
            for level in (*aim.levels, *share.index[:12]):
                found[f"is {level}"] = (texts == level).fillna(value=False).to_numpy(dtype=float)
            found |= spelling(texts, set(share.index), set(self.everywhere[name].dropna().astype(object)))
        said = {f"{name} {label}": score for label, score in found.items()}
        return said | {f"{name} {label}": score for label, score in self._given_others(frame, name, codes).items()}

    def _given_others(self, frame: pd.DataFrame, name: str, codes: Score) -> Scores:
        """Score a column by what the other columns say about it, in models of clean rows."""
        others = Encoder(columns=tuple(one for one in self.encoder.columns if one != name), levels=self.encoder.levels)
        if name not in self._models:
            self._models[name] = self._fit_column(name, others)
        model = self._models[name]
        if model is None:
            return {}
        predicted = np.asarray(model.booster.predict(others.values(frame), num_threads=1))
        if model.classes is not None:
            classes = model.classes
            place = np.searchsorted(classes, np.nan_to_num(codes, nan=classes[0]))
            fits = (place < len(classes)) & ~np.isnan(codes)
            fits[fits] = classes[place[fits]] == codes[fits]
            chance = np.full(len(codes), 1e-3)
            chance[fits] = predicted[np.flatnonzero(fits), place[fits]]
            return {"improbable": np.where(np.isnan(codes), 0.0, -np.log(np.maximum(chance, 1e-4)))}
        z = np.nan_to_num(np.clip((codes - predicted) / model.scale, -20, 20))
        log = np.nan_to_num(np.log(np.maximum(np.abs(codes), 1e-6) / np.maximum(np.abs(predicted), 1e-6)))
        return {
            "residual": z, "residual size": np.abs(z), "residual squared": np.minimum(z**2, 25),
            "residual far": (np.abs(z) > 3).astype(float), "ratio": np.clip(log, -5, 5),
        }  # fmt: skip

    def _fit_column(self, name: str, others: Encoder) -> _Model | None:
        clean = self.fit
        codes, matrix = self.encoder.column(clean, name), others.values(clean)
        there = ~np.isnan(codes)
        distinct = np.unique(codes[there])
        if there.sum() < 200 or distinct.size < 2:
            return None
        settings: dict[str, float | str] = {
            "num_leaves": 15, "num_threads": 1, "seed": 1, "verbosity": -1, "learning_rate": 0.1,
            "min_data_in_leaf": 20,
        }  # fmt: skip
        if distinct.size <= 12:
            target = np.searchsorted(distinct, codes[there])
            settings |= {"objective": "multiclass", "num_class": distinct.size}
            return _Model(lightgbm.train(settings, lightgbm.Dataset(matrix[there], target), 30), distinct, 1.0)
        settings |= {"objective": "regression"}
        held = np.arange(there.sum()) % 4 == 0
        learned = lightgbm.train(settings, lightgbm.Dataset(matrix[there][~held], codes[there][~held]), 80)
        error = codes[there][held] - np.asarray(learned.predict(matrix[there][held], num_threads=1))
        return _Model(learned, None, float(np.quantile(np.abs(error), 0.68)) or float(np.std(error)) or 1.0)
