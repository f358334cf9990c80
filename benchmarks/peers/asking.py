"""What every peer's script does: read each pair of Parquet files, ask, and write the answers as lines of JSON.

Runs in the peer's own environment, so it knows nothing of ours. A peer may have several ways to say yes: each is a
name. A peer that raises has found that something is wrong; what it raised is kept.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pandas as pd

Ask = Callable[[pd.DataFrame, pd.DataFrame], dict[str, bool]]


def answer(package: str, ways: tuple[str, ...], ask: Ask) -> None:
    """Answer every case in the folder given on the command line."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    print(json.dumps({"version": metadata.version(package), "pandas": pd.__version__}), flush=True)
    for case in sorted(one for one in folder.iterdir() if one.is_dir()):
        reference, batch = (pd.read_parquet(case / f"{name}.parquet") for name in ("reference", "batch"))
        before, said = time.process_time(), ""
        try:
            alarms = {way: bool(alarm) for way, alarm in ask(reference, batch).items()}
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is an answer
            alarms, said = dict.fromkeys(ways, True), f"raised {type(error).__name__}"
        seconds = time.process_time() - before
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line = {"case": case.name, "alarms": alarms, "seconds": seconds, "said": said, "peak": peak}
        print(json.dumps(line), flush=True)


def as_plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return numbers as floats, times as seconds, flags and levels as text: what every peer takes."""
    types = pd.api.types
    found = {}
    for name, values in frame.items():
        if types.is_datetime64_any_dtype(values.dtype):
            naive = values.dt.tz_convert(None) if values.dt.tz is not None else values
            found[name] = (naive - pd.Timestamp("1970-01-01")) / pd.Timedelta(seconds=1)
        elif types.is_numeric_dtype(values.dtype) and not types.is_bool_dtype(values.dtype):
            found[name] = values.astype("float64")
        else:
            found[name] = values.astype(object).map(str, na_action="ignore")
    return pd.DataFrame(found)


def numbers_of(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns of numbers."""
    return [name for name in frame.columns if frame[name].dtype == "float64"]


def same_columns(reference: pd.DataFrame, batch: pd.DataFrame) -> None:
    """Raise where a column is missing or of another kind: peers that take arrays can't be asked at all."""
    if list(reference.columns) != list(batch.columns):
        raise KeyError("columns differ")
    if numbers_of(reference) != numbers_of(batch):
        raise TypeError("types differ")
