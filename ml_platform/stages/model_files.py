"""Model files: what lies in a model artefact; text only, and no code but the features' own source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ml_platform.core.digest import canonical_json, short
from ml_platform.core.input_guard import GUARD, InputGuard
from ml_platform.core.scoring import (
    CALIBRATION,
    ENVIRONMENT,
    FEATURES_STATE,
    MODEL_TEXT,
    SCORING,
    FeaturesState,
    ScoringContract,
    artefact_digest,
    contract_json,
)
from ml_platform.learners.calibration import parse_calibration
from ml_platform.learners.scorer import Scorer
from ml_platform.stages.encode import input_columns, shown_columns
from ml_platform.stages.features_module import code_files

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.environment import Environment
    from ml_platform.stages.features_module import FeaturesModule

KIND = "models"


def model_files(
    spec: ModelSpec,
    features: FeaturesRecord,
    *,
    scorer: Scorer,
    threshold: float | None,
    state: Mapping[str, Any],
    module: FeaturesModule,
    environment: Environment,
    guard: InputGuard | None = None,
) -> dict[str, bytes]:
    """Return the artefact's files by name."""
    contract = ScoringContract(
        model=spec.model,
        inputs=input_columns(spec),
        time=spec.time,
        features_module=module.name,
        code_digest=features.code_digest,
        feature_names=features.names,
        categorical=features.categorical,
        threshold=threshold,
        task=spec.learner.task,
        classes=spec.classes if spec.learner.task == "multiclass" else (),
        quantile=spec.learner.quantile,
        calibration=scorer.calibration.method if scorer.calibration else "",
        shown=shown_columns(spec),
        made_from=features.lineage,
    )
    levels = {name: tuple(found) for name, found in state["levels"].items()}
    calibration = scorer.calibration
    return {
        MODEL_TEXT: scorer.model_text.encode(),
        FEATURES_STATE: canonical_json(FeaturesState(levels=levels, state=state["fitted"])).encode(),
        **code_files(module),
        SCORING: contract_json(contract).encode(),
        ENVIRONMENT: canonical_json(environment).encode(),
        **({CALIBRATION: canonical_json(calibration).encode()} if calibration else {}),
        **({GUARD: canonical_json(guard).encode()} if guard else {}),
    }


def read_scorer(store: ArtefactStore, digest: str) -> Scorer:
    """Read what scores out of a model artefact: its trees and, if it has one, its calibration."""
    text = store.read(KIND, digest, MODEL_TEXT).decode()
    if CALIBRATION not in store.names(KIND, digest):
        return Scorer(text)
    return Scorer(text, parse_calibration(store.read(KIND, digest, CALIBRATION), f"model {short(digest)}"))


def files_digest(files: Mapping[str, bytes]) -> str:
    """Return the digest of an artefact with these files."""
    return artefact_digest({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
