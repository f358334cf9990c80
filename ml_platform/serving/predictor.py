"""Predictor: exactly one released model, loaded after its bytes were checked, scoring contract rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.scoring import Score, score_of
from ml_platform.learners.calibration import calibrate
from ml_platform.learners.tree_text import raw_unit
from ml_platform.serving.native_booster import NativeBooster
from ml_platform.stages.bundle import Bundle, read_bundle
from ml_platform.stages.encode import row_encoder
from ml_platform.stages.encode_one import OneRowEncoder

Row = Mapping[str, object]
Columns = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class RawScores:
    """Raw scores taken apart: `average + contributions.sum(axis=-1)` is `raw`, but for rounding.

    Shapes (rows, classes), (rows, classes, features) and (rows, classes); the classes are 1 but for multiclass.
    """

    average: NDArray[np.float64]
    contributions: NDArray[np.float64]
    raw: NDArray[np.float64]


class Predictor:
    """Scores rows that keep the contract. Safe for threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.digest = bundle.digest
        self.contract = bundle.contract
        self.levels = bundle.features.levels
        self.guard = bundle.guard
        self._transform = bundle.transform
        self._state = bundle.features.state
        self._encode = row_encoder(bundle.contract.inputs, bundle.features.levels)
        self._encode_one = OneRowEncoder(bundle.contract.inputs, bundle.features.levels)
        self._calibration = bundle.calibration
        self._names = bundle.contract.feature_names
        self.raw_unit = raw_unit(bundle.model_text.decode())
        self._booster = NativeBooster(bundle.model_text)
        if self._booster.feature_names != self._names:
            message = (
                f"{self.contract.model}: the trees were trained on other features than scoring.json names "
                f"({', '.join(self._booster.feature_names[:5])} … and {', '.join(self._names[:5])} …): train it again"
            )
            raise DataInvalid(message)
        self._require_classes()
        self._check_features()

    def _require_classes(self) -> None:
        named = max(1, len(self.contract.classes))
        if self._booster.classes != named:
            message = (
                f"{self.contract.model}: the trees give {self._booster.classes} scores a row, scoring.json names "
                f"{named}; they have to agree: train it again"
            )
            raise DataInvalid(message)

    def _check_features(self) -> None:
        """Score a row of missing values, so that features that can't be computed are found before a request is."""
        try:
            self.score_rows([{}])
        except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
            message = (
                f"{self.contract.model}: its features can't be computed from a row of missing values "
                f"({type(error).__name__}: {error}): correct transform(), then train again"
            )
            raise DataInvalid(message) from error

    @classmethod
    def load(cls, store: ArtefactStore, digest: str) -> Predictor:
        """Load an artefact; raises DataInvalid when it is altered or unsound, Unavailable when it is gone."""
        return cls(read_bundle(store, digest))

    def score_rows(self, rows: Sequence[Row]) -> list[Score]:
        """Return one score per row, of several classes their probabilities; a row's bits are the same alone or not."""
        if not rows:
            return []
        if len(rows) == 1:
            columns = self._transform(self._encode_one(rows[0]), self._state)
            found = self._booster.scores_one([float(columns[name][0]) for name in self._names])
            several = self._booster.classes > 1
            if self._calibration is None:
                return [tuple(found)] if several else [found[0]]
            return self._calibrated(np.array([found] if several else found))
        columns = self._transform(self._encode(rows), self._state)
        return self._calibrated(self._booster.score_many(self._matrix(columns, len(rows))))

    def explain_rows(self, rows: Sequence[Row]) -> RawScores:
        """Return the raw scores of rows taken apart into what each feature did to them."""
        matrix = self.matrix_of(rows)
        found = self._booster.contributions(matrix)
        return RawScores(found[..., -1], found[..., :-1], self._booster.raw_many(matrix))

    def matrix_of(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Return the features of rows, shape (rows, features), in the model's order."""
        return self._matrix(self._transform(self._encode(rows), self._state), len(rows))

    def _matrix(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        matrix = np.empty((rows, len(self._names)), dtype=np.float64)
        for index, name in enumerate(self._names):
            matrix[:, index] = columns[name]
        return matrix

    def _calibrated(self, scores: NDArray[np.float64]) -> list[Score]:
        return list(map(score_of, calibrate(self._calibration, scores).tolist()))
