"""Bundle: a model artefact read from the store, every byte checked against the digest before anything is parsed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.input_guard import GUARD, GUARD_VERSION, NO_GUARD, InputGuard
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.scoring import (
    CALIBRATION,
    ENVIRONMENT,
    FEATURES_SOURCE,
    FEATURES_STATE,
    MODEL_TEXT,
    SCORING,
    SCORING_VERSIONS,
    FeaturesState,
    ScoringContract,
    artefact_digest,
    shared_module,
)
from ml_platform.learners.calibration import Calibration, parse_calibration
from ml_platform.stages.verified_code import Transform, transform_of

KIND = "models"
NEEDED = (MODEL_TEXT, FEATURES_STATE, FEATURES_SOURCE, SCORING)
ALLOWED = (*NEEDED, CALIBRATION, ENVIRONMENT, GUARD)
RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything needed to score: the contract, what the features learned, their code, trees as text, calibration.

    `guard` says what happens to rows that the model can't be trusted on.
    """

    digest: str
    contract: ScoringContract
    features: FeaturesState
    transform: Transform
    model_text: bytes
    calibration: Calibration | None = None
    guard: InputGuard = NO_GUARD


def read_bundle(store: ArtefactStore, digest: str) -> Bundle:
    """Read a model artefact; raises DataInvalid when it isn't exactly the expected one, Unavailable when it is gone.

    The trees are handed on as text and not parsed: the parser is no trust boundary.
    """
    files, folder = read_verified(store, digest), store.folder(KIND, digest)
    contract = _parsed(folder, SCORING, files, ScoringContract)
    if contract.schema_version not in SCORING_VERSIONS:
        message = f"{folder / SCORING}: schema version {contract.schema_version}, known: 1, 2; update the platform"
        raise DataInvalid(message)
    return Bundle(
        digest=digest,
        contract=contract,
        features=_parsed(folder, FEATURES_STATE, files, FeaturesState),
        transform=transform_of(files, folder, digest),
        model_text=files[MODEL_TEXT],
        calibration=_calibration(folder, files, contract),
        guard=_guard(folder, files, contract),
    )


def _calibration(folder: Path, files: Mapping[str, bytes], contract: ScoringContract) -> Calibration | None:
    found = parse_calibration(files[CALIBRATION], str(folder)) if CALIBRATION in files else None
    if (found.method if found else "") != contract.calibration:
        holds = f"a {found.method} calibration" if found else "no calibration"
        named = f"{contract.calibration} named" if contract.calibration else "none named"
        raise DataInvalid(f"{folder}: it holds {holds}, with {named} in {SCORING}; train the model again")
    return found


def _guard(folder: Path, files: Mapping[str, bytes], contract: ScoringContract) -> InputGuard:
    if GUARD not in files:
        return NO_GUARD
    found = _parsed(folder, GUARD, files, InputGuard)
    if found.schema_version != GUARD_VERSION:
        message = (
            f"{folder / GUARD}: schema version {found.schema_version}, known: {GUARD_VERSION}; update the platform"
        )
        raise DataInvalid(message)
    numeric = {column.name for column in contract.inputs if column.type in {"integer", "number"}}
    counted = found.detector is None or len(found.detector.histograms) == len(contract.feature_names)
    if not found.is_sound or not counted or not found.ranges.keys() <= numeric:
        message = (
            f"{folder / GUARD}: its ranges or histograms aren't those of this model; finite ranges of numeric inputs "
            f"and a histogram for each of {len(contract.feature_names)} features are needed; train the model again"
        )
        raise DataInvalid(message)
    return found


def is_allowed(name: str) -> bool:
    """Say whether a file of this name may be part of a model: text in a format that this platform writes itself."""
    return name in ALLOWED or bool(shared_module(name))


def read_verified(store: ArtefactStore, digest: str) -> dict[str, bytes]:
    """Return the content of the artefact's files after checking the digest over all of them."""
    names = store.names(KIND, digest)
    unknown = [name for name in names if not is_allowed(name)]
    if unknown:
        message = (
            f"model {short(digest)}: it holds {unknown[0][:80]!r}; only {', '.join(ALLOWED)} and features' shared "
            "sources are part of a model, and never a pickle; train again"
        )
        raise DataInvalid(message)
    contents = {name: store.read(KIND, digest, name) for name in names}
    if artefact_digest({name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}) != digest:
        message = (
            f"{store.folder(KIND, digest)}: its files aren't those that {short(digest)} was given for; only the exact "
            "model that was released is loaded; restore the artefact, or train and release again"
        )
        raise DataInvalid(message)
    missing = [name for name in NEEDED if name not in contents]
    if missing:
        message = f"model {short(digest)}: {', '.join(missing)} missing; it holds {', '.join(NEEDED)}; train again"
        raise DataInvalid(message)
    return contents


def _parsed(folder: Path, name: str, files: Mapping[str, bytes], kind: type[RecordT]) -> RecordT:
    try:
        return msgspec.json.decode(files[name], type=kind)
    except msgspec.MsgspecError as error:
        raise DataInvalid(f"{folder / name}: {error}; train the model again with this platform") from error
