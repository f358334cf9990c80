"""Champion: the live version's scores of the candidate's holdout rows, compared only where it never saw them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.scoring import FEATURES_SOURCE
from ml_platform.learners.scorer import Scorer
from ml_platform.learners.workers import HERE, Workers
from ml_platform.policy.spec import Column
from ml_platform.stages.against_live import Duel, measure_against_live
from ml_platform.stages.author_code import transformed
from ml_platform.stages.bundle import Bundle, read_bundle
from ml_platform.stages.encode import encode_frame
from ml_platform.stages.features import read_state
from ml_platform.stages.features_module import FeaturesModule
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.seen_rows import HOLDOUT, Seen, seen_rows
from ml_platform.stages.task_measures import measures_of

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord, ReleaseRecord
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.scored_part import ScoredPart

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Rival:
    """The champion's scores of the holdout rows, None when some aren't comparable, and what was measured."""

    score: Floats | None = None
    measurements: tuple[Measurement, ...] = ()


def meet_champion(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    champion: ReleaseRecord | None,
    features: FeaturesRecord,
    matrix: Matrix,
    holdout: ScoredPart,
    levels: Mapping[str, Sequence[str]],
    workers: Workers = HERE,
) -> Rival:
    """Score the champion on the holdout and compare the candidate with it on the same rows.

    The task's measure comes first, then the gain in every other respect and the slices, named as in `levels`.
    Rows that the champion was trained or tuned on are left out. When too few are left, when it can't be established
    which ones it saw, or when the champion can't be scored, the measurement has no value and says why, so that its
    gate stays undecided.
    """
    if champion is None:
        return Rival()
    try:
        seen = seen_rows(spec, store=store, champion=champion, features=features, matrix=matrix)
        if refusal := seen.refusal(holdout.target):
            return _undecided(spec, holdout, refusal)
        bundle = read_bundle(store, champion.candidate.model_digest)
        score = score_champion(
            spec, bundle, store=store, champion=champion, features=features, matrix=matrix, workers=workers
        )
    except DataInvalid as error:
        return _undecided(spec, holdout, f"the champion can't be compared: {error}")
    new = ~seen.rows
    duel = Duel(
        spec=spec, candidate=holdout.rows_of(new), champion=score[new], champion_threshold=bundle.contract.threshold
    )
    return Rival(
        None if seen.rows.any() else score,
        (
            _compare(spec, holdout, score, champion, seen),
            *measure_against_live(duel, levels, features.lineage),
        ),
    )


def score_champion(
    spec: ModelSpec,
    bundle: Bundle,
    *,
    store: ArtefactStore,
    champion: ReleaseRecord,
    features: FeaturesRecord,
    matrix: Matrix,
    workers: Workers = HERE,
) -> Floats:
    """Return the score that the champion, read as `bundle`, gives each holdout row, shape (n,).

    With the candidate's feature code and state its matrix is used; otherwise the champion's features are built anew
    from the snapshot's rows. Raises DataInvalid when the snapshot lacks what the champion needs.
    """
    _require_same_scores(spec, champion, bundle)
    scorer, threads = Scorer(bundle.model_text.decode(), bundle.calibration), spec.learner.threads
    if _same_features(bundle, features, read_state(store, features)):
        return scorer.score(matrix.part_of(HOLDOUT).values, threads=threads, workers=workers)
    frame = read_parquet(store.open("snapshots", features.snapshot_digest, "data.parquet"))[matrix.part == HOLDOUT]
    _require_columns(spec, champion, bundle)
    module = FeaturesModule(
        name=bundle.contract.features_module,
        assemble=None,
        fit=None,
        transform=bundle.transform,
        digest=bundle.contract.code_digest,
        path=store.folder("models", champion.candidate.model_digest) / FEATURES_SOURCE,
    )
    theirs = {column.name: Column.model_construct(type=column.type) for column in bundle.contract.inputs}
    inputs = encode_frame(spec.model_copy(update={"contract": theirs}), bundle.features.levels, frame)
    columns = transformed(module, inputs, bundle.features.state)
    values = np.column_stack([columns[name] for name in bundle.contract.feature_names])
    return scorer.score(values, threads=threads, workers=workers)


def _undecided(spec: ModelSpec, holdout: ScoredPart, reason: str) -> Rival:
    metric = measures_of(spec.learner.task).compared
    return Rival(None, (Measurement(metric=metric, value=None, n=holdout.target.size, reason=reason),))


def _compare(spec: ModelSpec, holdout: ScoredPart, score: Floats, champion: ReleaseRecord, seen: Seen) -> Measurement:
    found = measures_of(spec.learner.task).compare(spec, holdout, score, ~seen.rows)
    digest = champion.candidate.model_digest
    facts = {**found.facts, "champion_version": champion.version, "champion_model_digest": digest}
    if seen.rows.any():
        facts |= {"rows_left_out": int(seen.rows.sum()), "left_out_because": seen.how}
    return dataclasses.replace(found, facts=facts)


def _same_features(bundle: Bundle, features: FeaturesRecord, state: dict[str, object]) -> bool:
    levels = {name: list(found) for name, found in bundle.features.levels.items()}
    return (
        bundle.contract.code_digest == features.code_digest
        and bundle.contract.feature_names == features.names
        and state["levels"] == levels
        and state["fitted"] == bundle.features.state
    )


def _require_columns(spec: ModelSpec, champion: ReleaseRecord, bundle: Bundle) -> None:
    lacking = [
        f"{column.name} ({column.type})"
        for column in bundle.contract.inputs
        if column.name not in spec.contract or spec.contract[column.name].type != column.type
    ]
    if lacking:
        message = (
            f"{spec.model}: version {champion.version} needs {', '.join(lacking)}, which the contract no longer "
            "has so; it can be compared only on rows that it can score; keep the columns for one more release"
        )
        raise DataInvalid(message)


def _require_same_scores(spec: ModelSpec, champion: ReleaseRecord, bundle: Bundle) -> None:
    learner, contract = spec.learner, bundle.contract
    classes = spec.classes if learner.task == "multiclass" else ()
    if (contract.task, contract.classes, contract.quantile) != (learner.task, classes, learner.quantile):
        seen = ", ".join([contract.task, *contract.classes])
        message = (
            f"{spec.model}: version {champion.version} predicts something else ({seen}) than the candidate "
            f"({', '.join([learner.task, *classes])}); only predictions of the same are compared; roll out a new model "
            "under another name"
        )
        raise DataInvalid(message)
