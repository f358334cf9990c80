"""LightGBM's C library without its Python package: importing that costs more than loading the model."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import threading
import weakref
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid, Unavailable

FLOAT64 = 1
NORMAL = 0
RAW_SCORE = 1
CONTRIBUTIONS = 3
ROW_MAJOR = 1
ALL_ROUNDS = -1
ONE_THREAD = b"num_threads=1"
_FEATURE_NAMES = re.compile(rb"^feature_names=(.*)$", re.MULTILINE)


@cache
def library() -> ctypes.CDLL:
    """Load the library that the installed lightgbm package ships; raises Unavailable when it can't be."""
    found = importlib.util.find_spec("lightgbm")
    places = [Path(place) / "lib" for place in (found.submodule_search_locations or [])] if found else []
    files = [path for place in places for path in sorted(place.glob("lib_lightgbm.*"))]
    if not files:
        message = "lightgbm's library can't be found beside its package; install lightgbm"
        raise Unavailable(message)
    try:
        loaded = ctypes.CDLL(str(files[0]))
    except OSError as error:
        message = f"{files[0]}: {error}; it needs the system library libgomp: install it (Debian: apt install libgomp1)"
        raise Unavailable(message) from error
    loaded.LGBM_GetLastError.restype = ctypes.c_char_p
    loaded.LGBM_SetMaxThreads(ctypes.c_int(1))  # OpenMP threads that wait for work would burn the other cores
    return loaded


def _check(code: int) -> None:
    if code != 0:
        said = library().LGBM_GetLastError().decode(errors="replace")
        raise DataInvalid(f"LightGBM: {said}")


class NativeBooster:
    """Trees in memory; scores are bit for bit those of `lightgbm.Booster.predict`. Safe for threads.

    The text has to come from a verified artefact: the parser aborts or hangs on an altered one.
    """

    def __init__(self, model_text: bytes) -> None:
        self._library = library()
        self.feature_names = feature_names(model_text)
        handle = ctypes.c_void_p()
        rounds = ctypes.c_int()
        _check(self._library.LGBM_BoosterLoadModelFromString(model_text, ctypes.byref(rounds), ctypes.byref(handle)))
        self._handle = handle
        weakref.finalize(self, self._library.LGBM_BoosterFree, handle)
        self._width = len(self.feature_names)
        self.classes = self._checked_classes()
        self._row = (ctypes.c_double * self._width)()
        self._scores = (ctypes.c_double * self.classes)()
        self._length = ctypes.c_int64()
        self._lock = threading.Lock()
        self._fast = self._prepare_fast()
        self._score_row = self._library.LGBM_BoosterPredictForMatSingleRowFast
        self._arguments = (
            self._fast,
            ctypes.byref(self._row),
            ctypes.byref(self._length),
            ctypes.byref(self._scores),
        )

    def _checked_classes(self) -> int:
        """Return how many scores the trees give a row: 1, or one per class."""
        width, classes = ctypes.c_int(), ctypes.c_int()
        _check(self._library.LGBM_BoosterGetNumFeature(self._handle, ctypes.byref(width)))
        _check(self._library.LGBM_BoosterGetNumClasses(self._handle, ctypes.byref(classes)))
        if width.value != self._width or classes.value < 1:
            message = (
                f"the trees have {width.value} features and {classes.value} classes, their header names {self._width} "
                "features; they have to agree: train the model again"
            )
            raise DataInvalid(message)
        return classes.value

    def _prepare_fast(self) -> ctypes.c_void_p:
        fast = ctypes.c_void_p()
        _check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle, ctypes.c_int(NORMAL), ctypes.c_int(0), ctypes.c_int(ALL_ROUNDS), ctypes.c_int(FLOAT64),
                ctypes.c_int32(self._width), ONE_THREAD, ctypes.byref(fast),
            )
        )  # fmt: skip
        weakref.finalize(self, self._library.LGBM_FastConfigFree, fast)
        return fast

    def scores_one(self, values: list[float]) -> list[float]:
        """Return the scores of a row of feature values, in the order of `feature_names`, one per class."""
        with self._lock:
            self._row[:] = values  # type: ignore[assignment] # ctypes makes C's numbers of them
            code = self._score_row(*self._arguments)
            scores = self._scores[:]
        _check(code)
        return scores

    def score_many(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of a matrix of shape (rows, features): (rows,), or (rows, classes) of several classes."""
        scores = self._predicted(matrix, NORMAL, self.classes)
        return scores if self.classes == 1 else scores.reshape(len(matrix), self.classes)

    def raw_many(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the raw scores of a matrix, before they become probabilities, shape (rows, classes)."""
        return self._predicted(matrix, RAW_SCORE, self.classes).reshape(len(matrix), self.classes)

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each feature's SHAP contribution to the raw scores, and last their average over the training rows.

        Shape (rows, classes, features + 1). Source: Lundberg, Erion and Lee 2018, Consistent Individualized Feature
        Attribution for Tree Ensembles.
        """
        width = self._width + 1
        return self._predicted(matrix, CONTRIBUTIONS, self.classes * width).reshape(len(matrix), self.classes, width)

    def _predicted(self, matrix: NDArray[np.float64], kind: int, width: int) -> NDArray[np.float64]:
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        scores = np.empty(len(matrix) * width, dtype=np.float64)
        length = ctypes.c_int64()
        _check(
            self._library.LGBM_BoosterPredictForMat(
                self._handle, matrix.ctypes.data_as(ctypes.c_void_p), ctypes.c_int(FLOAT64),
                ctypes.c_int32(matrix.shape[0]), ctypes.c_int32(matrix.shape[1]), ctypes.c_int(ROW_MAJOR),
                ctypes.c_int(kind), ctypes.c_int(0), ctypes.c_int(ALL_ROUNDS), ONE_THREAD, ctypes.byref(length),
                scores.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
            )
        )  # fmt: skip
        if length.value != len(scores):
            message = f"LightGBM gave {length.value} scores for {len(matrix)} rows; the trees don't fit: train again"
            raise DataInvalid(message)
        return scores


def feature_names(model_text: bytes) -> tuple[str, ...]:
    r"""Return the feature names in a model text's header.

    >>> feature_names(b"tree\nfeature_names=a b\n")
    ('a', 'b')
    """
    found = _FEATURE_NAMES.search(model_text)
    return tuple(found[1].decode().split(" ")) if found else ()
