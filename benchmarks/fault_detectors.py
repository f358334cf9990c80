"""The detectors that run in the benchmark's own process, and the memory they take."""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
from fault_cases import Case, Field
from scipy import stats


def ours(field: Field, case: Case, reference: pd.DataFrame, batch: pd.DataFrame) -> tuple[bool, float, str]:
    """Ask `inspect_batch`."""
    inspect_batch = importlib.import_module("ml_platform").inspect_batch
    scores = (field.table.scores(reference), field.table.scores(batch)) if case.scored else None
    before = time.process_time()
    found = inspect_batch(reference, batch, target=field.table.target, scores=scores)
    seconds = time.process_time() - before
    said = "; ".join(f"{one.kind}({','.join(map(str, one.columns))})" for one in found.findings[:5])
    return not found.passed, seconds, said


def plain(_field: Field, _case: Case, reference: pd.DataFrame, batch: pd.DataFrame) -> tuple[bool, float, str]:
    """Test each column on its own, as textbooks say."""
    before = time.process_time()
    said = [name for name in reference.columns if name not in batch.columns]
    for name in reference.columns.intersection(batch.columns):
        old, new = reference[name], batch[name]
        retyped = pd.api.types.is_numeric_dtype(old.dtype) != pd.api.types.is_numeric_dtype(new.dtype)
        if retyped or _p_value(old, new) < 0.01 / len(reference.columns):
            said.append(name)
    return bool(said), time.process_time() - before, "; ".join(map(str, said[:5]))


def _p_value(old: pd.Series, new: pd.Series) -> float:
    types = pd.api.types
    if types.is_datetime64_any_dtype(old.dtype) and types.is_datetime64_any_dtype(new.dtype):
        old, new = old.astype("int64"), new.astype("int64")
    if types.is_numeric_dtype(old.dtype) and not types.is_bool_dtype(old.dtype):
        pair = [values.dropna().to_numpy(dtype=float) for values in (old, new)]
        return float(stats.ks_2samp(*pair, method="asymp").pvalue) if all(len(one) for one in pair) else 0.0
    counts = pd.DataFrame({"old": old.astype(str).value_counts(), "new": new.astype(str).value_counts()}).fillna(0)
    return float(stats.chi2_contingency(counts.to_numpy()).pvalue) if len(counts) > 1 else 1.0


DETECTORS = {"ours": ours, "plain": plain}


def peak_megabytes(name: str, field: Field, n: int) -> float | None:
    """Return the megabytes a call takes on top of the data, in a child process; None where the table is too small."""
    if len(field.table.rows) < 2 * n:
        return None
    case = Case(table="", n=n, m=n, seed=7, in_order=True, scored=False)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as child:  # ends it without a signal
        return child.submit(_peak, name, field, case).result()


def _peak(name: str, field: Field, case: Case) -> float:
    reference, batch, _ = field.frames(case)
    small = Case(table="", n=200, m=200, seed=7, in_order=True, scored=False)
    DETECTORS[name](field, small, reference[:200], batch[:200])  # whatever it imports isn't what a call takes
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before would hide what the call needs
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    DETECTORS[name](field, case, reference, batch)
    return (_status("VmHWM") - before) / 1024


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))
