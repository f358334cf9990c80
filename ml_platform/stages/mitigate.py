"""Mitigate: what it would take to select groups alike, and what it would cost; measured, never applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.mitigation import (
    AS_IS,
    EQUAL_SHARES,
    OWN_THRESHOLDS,
    REWEIGHED,
    Mitigation,
    MitigationRecord,
    Way,
)
from ml_platform.learners.engine import open_engine
from ml_platform.learners.scorer import Scorer
from ml_platform.policy.spec import ModelSpec, Role
from ml_platform.stages.features import read_matrix
from ml_platform.stages.group_gaps import TOGETHER, Treated, measure_gaps
from ml_platform.stages.group_thresholds import Alike, choose_group_thresholds
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.train import calibrated, rows_to_learn
from ml_platform.stages.tuned import settle
from ml_platform.stats.accuracy import accuracy
from ml_platform.stats.expected_cost import expected_cost
from ml_platform.stats.groups import group_rows
from ml_platform.stats.intersections import intersections
from ml_platform.stats.levels import levels
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.paired_bootstrap import paired_bootstrap
from ml_platform.stats.paired_share_difference import paired_share_difference
from ml_platform.stats.precision import precision
from ml_platform.stats.recall import recall
from ml_platform.stats.selection_rate_ratio import METRIC as RATIO

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord, ModelRecord

KIND, FILE = "mitigations", "mitigation.json"
RATIOS = frozenset({RATIO, f"{TOGETHER}{RATIO}"})
Floats = NDArray[np.float64]
Decisions = NDArray[np.bool_]


def mitigate(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    model: ModelRecord,
    features: FeaturesRecord,
    limits: Mapping[str, float],
) -> Measured[MitigationRecord]:
    """Measure on the holdout what own thresholds and reweighing would do for a binary model, and store that.

    `limits` are those of the selection-rate ratios that aren't kept, by metric. Thresholds are chosen on the
    calibration rows, reweighing trains once more on the training rows. Raises DataInvalid for another task, without
    limits or groups; a way that can't be gone says why.
    """
    matrix = read_matrix(store, features)
    _require_binary(spec, matrix, limits)
    spec = settle(spec, model.tuned) if model.tuned else spec
    taught = _Scored(spec, matrix, read_scorer(store, model.digest), model.threshold or 0.0)
    costs = spec.deployment.costs
    yardstick = _Yardstick(
        matrix.part_of("holdout"), taught.decision, taught.score_of("holdout"), spec.learner.seed,
        None if costs is None else np.asarray(costs.matrix, dtype=np.float64),
    )  # fmt: skip
    ways = (
        yardstick.measure(AS_IS, taught.decision),
        _own_thresholds(OWN_THRESHOLDS, taught, yardstick, limits),
        _own_thresholds(EQUAL_SHARES, taught, yardstick, dict.fromkeys(limits, 1.0)),
        _reweighed(spec, matrix, yardstick),
    )
    import msgspec

    found = Mitigation(columns=spec.columns(Role.GROUP), limits=dict(limits), ways=ways)
    content = msgspec.json.encode(found)
    digest = digest_of({"model": model.digest, "features": features.digest, "content": digest_of_bytes(content)})
    unchanged = store.has(KIND, digest) or not store.put(KIND, digest, {FILE: content})
    record = MitigationRecord(model=spec.model, digest=digest, model_digest=model.digest)
    return Measured(record=record, measurements=(), unchanged=unchanged)


@dataclass(frozen=True, slots=True)
class _Scored:
    """A model's scores of the parts that mitigation looks at, and its decisions on the holdout."""

    spec: ModelSpec
    matrix: Matrix
    scorer: Scorer
    threshold: float

    def score_of(self, part: str) -> Floats:
        return self.scorer.score(self.matrix.part_of(part).values, threads=self.spec.learner.threads)

    @property
    def decision(self) -> Decisions:
        return self.score_of("holdout") >= self.threshold


@dataclass(frozen=True, slots=True)
class _Yardstick:
    """The holdout and the decisions on it as they are: what every way is compared with."""

    holdout: Matrix
    as_is: Decisions
    score: Floats
    seed: int
    costs: Floats | None = None

    def measure(self, name: str, decision: Decisions, thresholds: Mapping[str, float] | None = None) -> Way:
        rows, groups = self.holdout, self.holdout.groups
        treated = Treated(
            task="binary", true=rows.target, score=self.score, decision=decision, losses=rows.target, classes=(),
            entity=rows.entity,
        )  # fmt: skip
        members = dict(_members(groups))
        return Way(
            name=name,
            ratios=tuple(one for one in measure_gaps(treated, groups) if one.metric in RATIOS),
            quality=tuple(self._quality(decision)),
            changes=() if name == AS_IS else tuple(self._changes(decision)),
            rates={group: float(decision[of].mean()) for group, of in members.items()},
            gained={group: int((decision & ~self.as_is)[of].sum()) for group, of in members.items()},
            lost={group: int((~decision & self.as_is)[of].sum()) for group, of in members.items()},
            thresholds=thresholds or {},
        )

    def _quality(self, decision: Decisions) -> Iterator[Measurement]:
        rows = self.holdout
        yield from (statistic(rows.target, decision, entity=rows.entity) for statistic in (recall, precision, accuracy))
        if self.costs is not None:
            yield expected_cost(rows.target, decision, costs=self.costs, entity=rows.entity)

    def _changes(self, decision: Decisions) -> Iterator[Measurement]:
        true, entity = self.holdout.target, self.holdout.entity
        came = true == 1
        of_came = None if entity is None else entity[came]
        yield paired_share_difference(decision[came], self.as_is[came], entity=of_came, subject="recall")
        yield paired_bootstrap(
            _precision, true, decision, self.as_is, seed=self.seed, entity=entity, subject="precision"
        )
        right, was_right = decision == came, self.as_is == came
        yield paired_share_difference(right, was_right, entity=entity, subject="accuracy")
        if self.costs is not None:
            now, before = (self.costs[came * 1, one * 1] for one in (decision, self.as_is))
            yield mean_interval(now - before, entity=entity, metric="expected_cost_change", subject="expected_cost")


def _precision(true: Floats, decision: NDArray[np.generic]) -> float | None:
    chosen = decision.astype(np.bool_)
    return float(true[chosen].mean()) if chosen.any() else None


def _members(groups: Mapping[str, NDArray[np.object_]]) -> Iterator[tuple[str, Decisions]]:
    for attribute, values in groups.items():
        yield from group_rows(levels(values, attribute), attribute)


def _own_thresholds(name: str, taught: _Scored, yardstick: _Yardstick, limits: Mapping[str, float]) -> Way:
    rows = taught.matrix.part_of("calibration")
    cells = intersections(rows.groups)
    of = {RATIO: [intersections({each: values}) for each, values in rows.groups.items()], f"{TOGETHER}{RATIO}": [cells]}
    found = choose_group_thresholds(
        taught.score_of("calibration"),
        cells,
        [Alike(groups=groups, limit=limit) for metric, limit in limits.items() for groups in of[metric]],
        common=taught.threshold,
        same_number=taught.spec.deployment.selected_share is not None,
    )
    decision = found.decide(yardstick.score, intersections(yardstick.holdout.groups))
    return yardstick.measure(name, decision, found.own)


def _reweighed(spec: ModelSpec, matrix: Matrix, yardstick: _Yardstick) -> Way:
    columns = spec.columns(Role.GROUP)
    if set(columns) == set(spec.learner.reweigh):
        return Way(name=REWEIGHED, reason="the model is reweighed already: that is how it is")
    learner = spec.learner.model_copy(update={"reweigh": columns})
    asked = spec.model_copy(update={"learner": learner})
    try:
        rows, validation = rows_to_learn(asked, matrix.part_of("train"), matrix.part_of("validation"))
    except DataInvalid as error:
        return Way(name=REWEIGHED, reason=str(error))
    with open_engine(spec.compute) as fit:
        trained = fit(learner, rows, validation)
    scorer, threshold = calibrated(asked, trained.text, matrix.part_of("calibration"))
    again = _Scored(asked, matrix, scorer, threshold.value if threshold else 0.0)
    return yardstick.measure(REWEIGHED, again.decision)


def _require_binary(spec: ModelSpec, matrix: Matrix, limits: Mapping[str, float]) -> None:
    if spec.learner.task != "binary" or not matrix.groups or not limits:
        raise DataInvalid(
            f"{spec.model}: the task is {spec.learner.task}, with {len(matrix.groups)} group columns and {len(limits)} "
            "limits; what it would take to treat groups alike is measured of binary models with groups and a limit"
        )
