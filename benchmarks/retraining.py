"""When to retrain: never, every window, when inputs drift, or when the platform's own rule says so; in one run.

`python benchmarks/retraining.py [--rounds 300] [--parquet FILE TARGET]… [--in-order FILE…]`. The first table is the
packaged year of flights, June to December month by month, with features, split and parameters of its model file.
Further tables are cut into 24 windows, in the order of their rows where `--in-order` says that this is time, else
shuffled: then nothing ever changes, and every training is one too many. A model that is trained for the start of a
window is the same whoever asks for it, so each is trained once. The platform's rule is `decide_retraining` on what
`judge` says of a window under the flights' policy, and the gate `no_worse_than_champion` on the candidate's holdout; it
looks at the evidence of all windows, and again after a change. Beside it stand one window's gate alone, and the same
rule with the champion's gate waived; the other policies have no gate. Drift is a PSI above 0.2 of any feature between
the live model's training rows and the window. Ends with 1 when the platform loses more than 0.005 of the mean AUC
against retraining every window, or needs more than half of its trainings.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import plain_release
import yaml
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import DeploymentRecord, EvidencePart, MonitoringRecord
from ml_platform.policy.judge import judge_gate
from ml_platform.policy.load import load_model
from ml_platform.policy.spec import Monitoring
from ml_platform.stages.alarms import alarms_in, measure_alarms
from ml_platform.stages.monitors import watch_performance
from ml_platform.stages.reference import Reference
from ml_platform.stages.retraining import REQUESTED, Retrain, Stay, Watched, decide_retraining
from ml_platform.stages.retraining_reasons import Made
from ml_platform.stages.split import training_span
from ml_platform.stats.psi import psi
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.roc_auc_change import roc_auc_change
from ml_platform.stats.roc_auc_difference import roc_auc_difference

DEFS = Path(plain_release.ROOT / "ml_platform/defs/flights/defs.yaml")
NOW = dt.datetime(2014, 1, 1, tzinfo=dt.UTC)
FILE = load_model(DEFS, now=NOW)
assert FILE.spec.monitoring is not None
ONE_WINDOW = FILE.spec.monitoring
ACCUMULATED = ONE_WINDOW.model_copy(
    update={"retrain_when": ("live_auc_holds", "no_performance_alarm"), "retrain_again_after_change": True}
)
CONDITIONS = frozenset({"always", "labels", "champion"})
LOSS_LIMIT, TRAININGS_LIMIT, PSI_LIMIT = 0.005, 0.5, 0.2
WINDOWS, BEFORE = 24, 6
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """A model for the start of a window: its training rows, and what it was released with on its holdout."""

    booster: lgb.Booster
    train: NDArray[np.bool_]
    holdout: NDArray[np.bool_]
    auc: Measurement


@dataclass
class Table:
    """Rows with a target, cut into windows; `ends` says when each is over, `start` trains a model before one."""

    name: str
    features: pd.DataFrame
    late: Floats
    windows: list[NDArray[np.bool_]]
    ends: list[dt.datetime]
    start: Callable[[int], tuple[pd.DataFrame, NDArray[np.bool_], NDArray[np.bool_]]]
    learned: Callable[[int], tuple[dt.datetime | None, dt.datetime]]
    parameters: dict[str, Any]
    rounds: int
    known: dict[int, tuple[Trained, pd.DataFrame]] = field(default_factory=dict)

    def trained(self, index: int) -> tuple[Trained, pd.DataFrame]:
        """Return the model that is trained before a window, and all rows as it sees them."""
        if index not in self.known:
            rows, train, holdout = self.start(index)
            table = lgb.Dataset(rows[train], self.late[train])
            booster = lgb.train(self.parameters, table, num_boost_round=self.rounds)
            auc = roc_auc(self.late[holdout], booster.predict(rows[holdout]))
            self.known[index] = Trained(booster, train, holdout, auc), rows
        return self.known[index]

    def scores(self, model: int, rows: NDArray[np.bool_]) -> Floats:
        """Return what the model of a window's start says of some rows."""
        trained, seen = self.trained(model)
        return np.asarray(trained.booster.predict(seen[rows]), dtype=np.float64)


@dataclass
class Played:
    """What a policy did: the AUC of each window, the windows before which it trained, the candidates refused."""

    aucs: list[float] = field(default_factory=list)
    trainings: list[int] = field(default_factory=list)
    refused: int = 0
    requests: list[AuditEntry] = field(default_factory=list)
    watched: list[MonitoringRecord] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Return the mean AUC of the windows."""
        return float(np.mean(self.aucs))


def main() -> int:
    """Play every table under every policy and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--parquet", nargs=2, action="append", default=[], metavar=("FILE", "TARGET"))
    parser.add_argument(
        "--in-order", nargs="*", default=[], metavar="FILE", help="tables whose rows are in time's order"
    )
    parser.add_argument(
        "--drop", nargs="*", default=[], metavar="COLUMN", help="columns that are known afterwards only"
    )
    parser.add_argument("--without-flights", action="store_true", help="only the tables given with --parquet")
    said = parser.parse_args()
    tables: list[Callable[[], Table]] = [] if said.without_flights else [partial(flights, said.rounds)]
    for file, target in said.parquet:
        tables.append(
            partial(other, Path(file), target, in_order=file in said.in_order, drop=said.drop, rounds=said.rounds)
        )
    return max(_report(make()) for make in tables)


def _report(table: Table) -> int:
    print(f"\n{table.name}: {len(table.late):,} rows, {len(table.windows)} windows")
    found = {name: play(table, wants) for name, wants in POLICIES.items()}
    for name, path in found.items():
        told = f", {path.refused} candidates refused" if path.refused else ""
        before = ", ".join(f"{table.ends[index - 1]:%Y-%m-%d}" for index in path.trainings[:12])
        print(f"  {name:<22} mean AUC {path.mean:.4f}  {len(path.trainings):2d} trainings{told}  {before}")
    every, ours = found["every window"], found["the platform's rule"]
    loss, share = every.mean - ours.mean, len(ours.trainings) / len(every.trainings)
    print(f"  against every window: {loss:+.4f} of the AUC lost (limit {LOSS_LIMIT:g}), {share:.0%} of its trainings")
    return int(loss > LOSS_LIMIT or share > TRAININGS_LIMIT)


def flights(rounds: int | None) -> Table:
    """Return the packaged year of flights, June to December, with what the model file says."""
    said = yaml.safe_load(DEFS.read_text())["attributes"]
    rows = plain_release.read({**said, "source": {**said["source"], "as_of": "2014-01-01T00:00:00Z"}})
    starts = pd.date_range("2013-06-01", "2014-01-01", freq="MS", tz="UTC")

    def start(index: int) -> tuple[pd.DataFrame, NDArray[np.bool_], NDArray[np.bool_]]:
        parts = plain_release.split(rows, {**said, "source": {**said["source"], "as_of": str(starts[index])}})
        features = plain_release.prepare(rows, parts["train"])
        return features, parts["train"].to_numpy(), parts["holdout"].to_numpy()

    learner = said["learner"]
    time = rows["time_hour"]
    return Table(
        name="flights",
        features=rows,
        late=rows["late"].to_numpy(dtype=np.float64),
        windows=[((time >= a) & (time < b)).to_numpy() for a, b in pairwise(starts)],
        ends=[one.to_pydatetime() for one in starts[1:]],
        start=start,
        learned=lambda index: training_span(FILE.spec.split, starts[index].to_pydatetime()),
        parameters={**learner["parameters"], **_fixed(learner["seed"])},
        rounds=rounds or learner["rounds"],
    )


def other(path: Path, target: str, *, in_order: bool, drop: Sequence[str], rounds: int | None) -> Table:
    """Return a table in 24 windows of 30 days; each model learns from the four windows before its holdout's."""
    frame = pd.read_parquet(path)
    frame = frame if in_order else frame.sample(frac=1.0, random_state=1)
    frame = frame.reset_index(drop=True)
    late = (pd.factorize(frame[target], sort=True)[0] == 1).astype(np.float64)
    features = frame.drop(columns=[target, *(name for name in frame if name in drop)])
    for name in features.columns:
        if not pd.api.types.is_numeric_dtype(features[name]):
            features[name] = features[name].astype("category")
    place = np.arange(len(frame)) * (WINDOWS + BEFORE) // len(frame)

    def start(index: int) -> tuple[pd.DataFrame, NDArray[np.bool_], NDArray[np.bool_]]:
        last = index + BEFORE
        return features, (place >= last - 5) & (place < last - 1), place == last - 1

    months = [
        one.to_pydatetime() for one in pd.date_range("2012-07-01", periods=BEFORE + WINDOWS + 1, freq="MS", tz="UTC")
    ]
    return Table(
        name=f"{path.stem} ({'in the order of its rows' if in_order else 'shuffled'})",
        features=features,
        late=late,
        windows=[place == index + BEFORE for index in range(WINDOWS)],
        ends=months[BEFORE + 1 :],
        start=start,
        learned=lambda index: (months[index + BEFORE - 5], months[index + BEFORE - 1]),
        parameters={"learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 50, **_fixed(1)},
        rounds=rounds or 150,
    )


def _fixed(seed: int) -> dict[str, Any]:
    return {
        "objective": "binary", "seed": seed, "num_threads": 2, "deterministic": True, "force_row_wise": True,
        "verbosity": -1,
    }  # fmt: skip


Wants = Callable[[Table, int, int, Played], bool]


def play(table: Table, wants: Wants) -> Played:
    """Serve window after window; after each but the last the policy says whether a model is trained."""
    live, path = 0, Played()
    for index, window in enumerate(table.windows):
        found = roc_auc(table.late[window], table.scores(live, window))
        path.aucs.append(found.value if found.value is not None else float("nan"))
        if index + 1 == len(table.windows) or not wants(table, live, index, path):
            continue
        path.trainings.append(index + 1)
        if isinstance(wants, Rule) and wants.gated and not is_no_worse(table, index + 1, live):
            path.refused += 1
            continue
        live = index + 1
    return path


def never(table: Table, live: int, index: int, path: Played) -> bool:  # noqa: ARG001 - a policy's shape
    """Keep the first model."""
    return False


def always(table: Table, live: int, index: int, path: Played) -> bool:  # noqa: ARG001 - a policy's shape
    """Train before every window."""
    return True


def on_drift(table: Table, live: int, index: int, path: Played) -> bool:  # noqa: ARG001
    """Train when the PSI of any feature is above 0.2."""
    trained, seen = table.trained(live)
    window = table.windows[index]
    for name in seen.columns:
        then, now = (_plain(seen[name][rows]) for rows in (trained.train, window))
        found = psi(then, now).value
        if found is not None and found > PSI_LIMIT:
            return True
    return False


def _plain(column: pd.Series) -> NDArray[Any]:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64)
    return column.astype(object).where(column.notna(), None).to_numpy()


@dataclass(frozen=True)
class Rule:
    """The platform's rule under what a model file says; without its gate any candidate replaces the champion."""

    monitoring: Monitoring
    gated: bool = True

    def __call__(self, table: Table, live: int, index: int, path: Played) -> bool:
        """Let the platform judge the window and decide."""
        decided = _decide(self.monitoring, table, live, index, path)
        if isinstance(decided, Retrain):
            path.requests.append(_request(decided, path))
        return isinstance(decided, Retrain)


def _decide(monitoring: Monitoring, table: Table, live: int, index: int, path: Played) -> Retrain | Stay:
    window, end = table.windows[index], table.ends[index]
    score, label = table.scores(live, window), table.late[window]
    reference = _reference(table, live)
    change = roc_auc_change(
        label, score, reference_auc=reference.headline or 0.0, reference_se=reference.standard_error
    )  # fmt: skip
    watched = watch_performance(FILE.spec, label, score[:, None], reference)
    version = f"model before window {live}"
    earlier = [one for one in path.watched if one.model_digest == version]
    alarms = measure_alarms(FILE.spec, monitoring, watched.monitors, watched.seen, earlier)
    measured = [replace(change, metric="live_roc_auc_change"), *alarms]
    record = MonitoringRecord(
        model="flights", environment="production", window=f"{end - dt.timedelta(days=1):%Y-%m}", window_end=end,
        digest=f"window {index}", window_digest=f"rows {index}", version=live + 1, model_digest=version,
        labelled=int(label.size), summaries=watched.seen, alarms=alarms_in(alarms),
    )  # fmt: skip
    path.watched.append(record)
    made, now = (
        Made(as_of=at, learned_from=start, learned_until=until)
        for at, (start, until) in (
            (table.ends[live - 1] if live else None, table.learned(live)), (end, table.learned(index + 1)),
        )
    )  # fmt: skip
    seen = _watched(monitoring, record, measured)
    return decide_retraining(monitoring, replace(seen, requests=path.requests, made=made, now=now))


def _reference(table: Table, live: int) -> Reference:
    released = table.trained(live)[0]
    return Reference(
        rows=table.features.iloc[:0],
        scores={"": pd.Series(table.scores(live, released.holdout))},
        headline=released.auc.value,
        standard_error=_number(released.auc.facts.get("standard_error")),
        outcomes=table.late[released.holdout],
    )


def _watched(monitoring: Monitoring, record: MonitoringRecord, measured: Sequence[Measurement]) -> Watched:
    verdicts = [
        judge_gate(
            FILE.policy, name, [one for one in measured if one.metric == FILE.policy.gates[name].metric],
            conditions=CONDITIONS, now=NOW,
        )
        for name in monitoring.retrain_when
    ]  # fmt: skip
    part = EvidencePart(
        stage="monitoring", subject_digest=record.digest, policy_digest=FILE.policy.digest,
        conditions=tuple(sorted(CONDITIONS)), verdicts=tuple(verdicts), made_at=record.window_end,
    )  # fmt: skip
    shown = DeploymentRecord(
        model="flights", environment="production", version=record.version, model_digest=record.model_digest,
        evidence_digest="", since=record.window_end, actor="robin", reason="",
    )  # fmt: skip
    return Watched(window=record, part=part, live=shown)


def _request(decided: Retrain, path: Played) -> AuditEntry:
    since = {"changed_since": decided.changed_since.isoformat()} if decided.changed_since else {}
    return AuditEntry(
        sequence=len(path.requests) + 1, at=decided.as_of, actor="sensor", action=REQUESTED, subject="flights",
        payload={"cause": decided.cause, "as_of": decided.as_of.isoformat(), **since}, previous="", hash="",
    )  # fmt: skip


def is_no_worse(table: Table, candidate: int, champion: int) -> bool:
    """Say whether the champion's gate lets a candidate pass on its own holdout."""
    rows = table.trained(candidate)[0].holdout
    difference = roc_auc_difference(table.late[rows], table.scores(candidate, rows), table.scores(champion, rows))
    return judge_gate(FILE.policy, "no_worse_than_champion", [difference], conditions=CONDITIONS, now=NOW).outcome.opens


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _policies() -> Iterator[tuple[str, Wants]]:
    yield "never", never
    yield "every window", always
    yield "drift (PSI > 0.2)", on_drift
    yield "one window's gate", Rule(ONE_WINDOW)
    yield "the platform's rule", Rule(ACCUMULATED)
    yield "it, the gate waived", Rule(ACCUMULATED, gated=False)


POLICIES = dict(_policies())

if __name__ == "__main__":
    raise SystemExit(main())
