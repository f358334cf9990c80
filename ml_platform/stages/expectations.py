"""Expectations: whether the model answers as its author declared: on edge cases, exchanged values and moved numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.policy.expectations import Directional, EdgeCase, Invariant
from ml_platform.stages.raw_rows import RawRows, read_raw_rows
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord
    from ml_platform.policy.expectations import Expectations
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.scored_part import ScoredPart

# Scores that differ by less differ by rounding only.
_ROUNDING = 1e-12

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def measure_expectations(
    spec: ModelSpec, *, store: ArtefactStore, features: FeaturesRecord, matrix: Matrix, holdout: ScoredPart
) -> Iterator[Measurement]:
    """Measure every declared expectation on up to 3,000 holdout rows; nothing where none is declared.

    Inputs are changed before the features are made of them. Where that can't be done each measurement is undefined
    and says why.
    """
    expected = spec.expectations
    if expected is None:
        return
    try:
        raw = read_raw_rows(spec, store=store, features=features, matrix=matrix, holdout=holdout)
        found = tuple(_measure(expected, raw))
    except DataInvalid as error:
        found = tuple(_undefined(expected, str(error)))
    yield from found


def _measure(expected: Expectations, raw: RawRows) -> Iterator[Measurement]:
    if expected.edge_cases:
        inputs = raw.encode([case.row for case in expected.edge_cases.values()])
        scores = raw.score(inputs)
        for place, (name, case) in enumerate(expected.edge_cases.items()):
            unseen = [key for key, value in case.row.items() if value is not None and np.isnan(inputs[key][place])]
            yield _edge_case(name, case, raw, scores[place : place + 1], unseen)
    for invariant in expected.invariant:
        yield from _with_excess(_invariant(invariant, raw), "invariance_broken_excess", invariant.at_most)
    for move in expected.directional:
        yield from _with_excess(_directional(move, raw), "direction_broken_excess", move.at_most)


def _edge_case(name: str, case: EdgeCase, raw: RawRows, scores: Floats, unseen: list[str]) -> Measurement:
    facts: dict[str, Fact] = {"expected": _expected(case)}
    missed = False
    if case.of is not None or scores.ndim == 1:
        score = float(_one_score(scores, case.of, raw)[0])
        facts["score"] = score
        missed |= case.at_least is not None and not score >= case.at_least
        missed |= case.at_most is not None and not score <= case.at_most
    if case.decision is not None:
        decided = raw.spec.classes[int(_decisions(scores, raw)[0])]
        facts["decision"] = decided
        missed |= decided != case.decision
    if unseen:
        facts["never_seen_in_training"] = ", ".join(unseen)
    return Measurement(metric="edge_cases_missed", value=float(missed), n=1, unit="cases", subject=name, facts=facts)


def _expected(case: EdgeCase) -> str:
    score = f"probability of {case.of}" if case.of else "score"
    said = [
        "" if case.at_least is None else f"{score} at least {case.at_least:g}",
        "" if case.at_most is None else f"{score} at most {case.at_most:g}",
        "" if case.decision is None else f"decision {case.decision}",
    ]
    return ", ".join(filter(None, said))


def _invariant(one: Invariant, raw: RawRows) -> Measurement:
    columns, reason = _exchanged(one, raw)
    before = {name: raw.inputs[name] for name in one.columns}
    differs = np.any([~_same(columns[name], before[name]) for name in one.columns], axis=0)
    score = raw.score(raw.changed(**columns))
    facts: dict[str, Fact] = {"expected": _unchanged(one), "allowed": one.at_most}
    return _share(
        _changes(one, raw, score), differs, raw, metric="invariance_broken_share", subject=one.subject,
        reason=reason or "exchanged, no row's value is another", facts=facts,
    )  # fmt: skip


def _exchanged(one: Invariant, raw: RawRows) -> tuple[dict[str, Floats], str]:
    """Return the columns with the values of other rows, or with one value for the other, and what a lack of rows means.

    Several columns are exchanged together, so that what belongs together stays so.
    """
    if one.values is None:
        order = np.random.default_rng(raw.spec.learner.seed).permutation(len(raw.rows.score))
        return {name: raw.inputs[name][order] for name in one.columns}, ""
    name = one.columns[0]
    first, second = raw.encode([{name: value} for value in one.values])[name]
    own = raw.inputs[name]
    if np.isnan([first, second]).any():
        return {name: own.copy()}, "one of the values was never seen in training"
    swapped = np.where(own == first, second, np.where(own == second, first, own))
    return {name: swapped}, "no row of the holdout has one of the values"


def _unchanged(one: Invariant) -> str:
    what = "the decision stays" if one.within is None else f"the prediction stays within {one.within:g}"
    return f"{what} in all but {_percent(one.at_most)} of the rows"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _changes(one: Invariant, raw: RawRows, score: Floats) -> Flags:
    if one.within is not None:
        moved: Flags = ~(np.abs(score - raw.rows.score) <= one.within)
        return moved
    changed: Flags = _decisions(score, raw) != _decisions(raw.rows.score, raw)
    return changed


def _directional(one: Directional, raw: RawRows) -> Measurement:
    own = raw.inputs[one.column]
    moved = own + one.by if one.by is not None else own * (one.factor or 1.0)
    low, high = raw.spec.contract[one.column].range or (-np.inf, np.inf)
    usable = (moved >= low) & (moved <= high) & (moved != own)
    after = _one_score(raw.score(raw.changed(**{one.column: np.where(usable, moved, own)})), one.of, raw)
    before = _one_score(raw.rows.score, one.of, raw)
    rise = (after - before) * (1.0 if one.score == "rises" else -1.0)
    real = np.abs(rise) > _ROUNDING * np.maximum(np.abs(before), 1.0)
    facts: dict[str, Fact] = {
        "expected": f"the score {one.score} or stays in all but {_percent(one.at_most)} of the rows",
        "allowed": one.at_most,
        "moved_as_expected": int((usable & real & (rise > 0)).sum()),
        "stayed": int((usable & ~real).sum()),
    }
    return _share(
        real & ~(rise > 0), usable, raw, metric="direction_broken_share", subject=one.subject,
        reason="no row's value can be moved so within the contract's range", facts=facts,
    )  # fmt: skip


def _share(
    broken: Flags, usable: Flags, raw: RawRows, *, metric: str, subject: str, reason: str, facts: dict[str, Fact]
) -> Measurement:
    """Return the share of the usable rows that are broken; the others are counted."""
    facts = {**facts, "rows_left_out": int((~usable).sum())}
    if not usable.any():
        return Measurement(metric=metric, value=None, n=0, unit="share", subject=subject, reason=reason, facts=facts)
    entity = None if raw.rows.entity is None else raw.rows.entity[usable]
    found = share(broken[usable], entity=entity, metric=metric, subject=subject)
    return dataclasses.replace(found, facts={**found.facts, **facts})


def _with_excess(found: Measurement, metric: str, allowed: float) -> Iterator[Measurement]:
    """Yield a share and how far it is beyond the allowed one."""
    yield found
    value, low, high = (None if one is None else one - allowed for one in (found.value, found.low, found.high))
    yield dataclasses.replace(found, metric=metric, value=value, low=low, high=high)


def _one_score(score: Floats, of: str | None, raw: RawRows) -> Floats:
    return score if of is None else score[:, raw.spec.classes.index(of)]


def _decisions(score: Floats, raw: RawRows) -> NDArray[np.intp]:
    """Return the number of the class that is decided for each row."""
    decided = raw.rows.decide(score) if raw.spec.learner.task == "binary" else score.argmax(axis=1)
    return decided.astype(np.intp)


def _same(one: Floats, other: Floats) -> Flags:
    same: Flags = (one == other) | (np.isnan(one) & np.isnan(other))
    return same


def _undefined(expected: Expectations, reason: str) -> Iterator[Measurement]:
    for name, case in expected.edge_cases.items():
        yield Measurement(
            metric="edge_cases_missed", value=None, n=0, unit="cases", subject=name, reason=reason,
            facts={"expected": _expected(case)},
        )  # fmt: skip
    for key, entries in (("invariance_broken", expected.invariant), ("direction_broken", expected.directional)):
        for one in entries:
            lost = Measurement(metric=f"{key}_share", value=None, n=0, unit="share", subject=one.subject, reason=reason)
            yield from _with_excess(lost, f"{key}_excess", one.at_most)
