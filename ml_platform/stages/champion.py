"""Champion: the live version's scores of the candidate's holdout rows, compared only where it never saw them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.scoring import FEATURES_SOURCE
from ml_platform.learners.scorer import Scorer
from ml_platform.policy.spec import Column
from ml_platform.stages.author_code import transformed
from ml_platform.stages.bundle import Bundle, read_bundle
from ml_platform.stages.encode import encode_frame
from ml_platform.stages.features import read_state
from ml_platform.stages.features_module import FeaturesModule
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.seen_rows import HOLDOUT, Seen, seen_rows
from ml_platform.stats.roc_auc_difference import roc_auc_difference

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord, ReleaseRecord
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.scored_part import ScoredPart

METRIC = "roc_auc_difference"

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
) -> Rival:
    """Score the champion on the holdout and measure the candidate's AUC minus the champion's on the same rows.

    Rows that the champion was trained or tuned on are left out. When too few are left, when it can't be established
    which ones it saw, or when the champion can't be scored, the measurement has no value and says why, so that its
    gate stays undecided.
    """
    if champion is None:
        return Rival()
    try:
        seen = seen_rows(spec, store=store, champion=champion, features=features, matrix=matrix)
        if refusal := seen.refusal(holdout.target):
            return _undecided(holdout, refusal)
        score = score_champion(spec, store=store, champion=champion, features=features, matrix=matrix)
    except DataInvalid as error:
        return _undecided(holdout, f"the champion can't be compared: {error}")
    return Rival(None if seen.rows.any() else score, (_compare(holdout, score, champion, seen),))


def score_champion(
    spec: ModelSpec, *, store: ArtefactStore, champion: ReleaseRecord, features: FeaturesRecord, matrix: Matrix
) -> Floats:
    """Return the champion's score of each holdout row, shape (n,).

    With the candidate's feature code and state its matrix is used; otherwise the champion's features are built anew
    from the snapshot's rows. Raises DataInvalid when the snapshot lacks what the champion needs.
    """
    digest = champion.candidate.model_digest
    bundle = read_bundle(store, digest)
    scorer, threads = Scorer(bundle.model_text.decode(), bundle.calibration), spec.learner.threads
    if _same_features(bundle, features, read_state(store, features)):
        return scorer.score(matrix.part_of(HOLDOUT).values, threads=threads)
    frame = read_parquet(store.open("snapshots", features.snapshot_digest, "data.parquet"))[matrix.part == HOLDOUT]
    _require_columns(spec, champion, bundle)
    module = FeaturesModule(
        name=bundle.contract.features_module,
        assemble=None,
        fit=None,
        transform=bundle.transform,
        digest=bundle.contract.code_digest,
        path=store.folder("models", digest) / FEATURES_SOURCE,
    )
    theirs = {column.name: Column.model_construct(type=column.type) for column in bundle.contract.inputs}
    inputs = encode_frame(spec.model_copy(update={"contract": theirs}), bundle.features.levels, frame)
    columns = transformed(module, inputs, bundle.features.state)
    return scorer.score(np.column_stack([columns[name] for name in bundle.contract.feature_names]), threads=threads)


def _undecided(holdout: ScoredPart, reason: str) -> Rival:
    return Rival(None, (Measurement(metric=METRIC, value=None, n=holdout.score.size, reason=reason),))


def _compare(holdout: ScoredPart, score: Floats, champion: ReleaseRecord, seen: Seen) -> Measurement:
    new = ~seen.rows
    entity = None if holdout.entity is None else holdout.entity[new]
    found = roc_auc_difference(holdout.target[new], holdout.score[new], score[new], entity=entity)
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
