"""Tuned: a model file with the parameters that a study chose in place of its own, and the study's trials."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_platform.core.measurement import Fact
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord, TuningRecord
    from ml_platform.policy.spec import ModelSpec

KIND = "studies"
FILE = "study.json"


@dataclasses.dataclass(frozen=True, slots=True)
class _Stored:
    trials: tuple[Trial, ...]


def settle(spec: ModelSpec, parameters: Mapping[str, Fact]) -> ModelSpec:
    """Return the model with the chosen parameters and nothing left to search: it trains as the tuned one did.

    A rebuild passes `ModelRecord.tuned` and needs no study.
    """
    learner = spec.learner.model_copy(update={"parameters": {**spec.learner.parameters, **parameters}})
    return spec.model_copy(update={"learner": learner, "tuning": None})


def settled(spec: ModelSpec, features: FeaturesRecord, tuning: TuningRecord | None) -> ModelSpec:
    """Return the model as it is trained; raises DataInvalid when its file asks for a study of other or no features."""
    if tuning is None and spec.tuning is None:
        return spec
    if tuning is None or tuning.features_digest != features.digest:
        seen = short(tuning.features_digest) if tuning else "none"
        message = (
            f"{spec.model}: the model file asks for tuning, the features are {short(features.digest)} and the study's "
            f"are {seen}; parameters are chosen on the rows that the model is trained on; tune first"
        )
        raise DataInvalid(message)
    return settle(spec, tuning.parameters)


def read_trials(store: ArtefactStore, digest: str) -> tuple[Trial, ...]:
    """Return the trials of a stored study, the learner as it was first; how long they took isn't said."""
    import msgspec

    return msgspec.json.decode(store.read(KIND, digest, FILE), type=_Stored).trials
