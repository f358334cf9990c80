"""Bundle: a model artefact read from its folder, every byte checked against the digest before anything is parsed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.abc import ExecutionLoader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.scoring import (
    FEATURES_SOURCE,
    FEATURES_STATE,
    FILES,
    MODEL_TEXT,
    SCORING,
    FeaturesState,
    ScoringContract,
    artefact_digest,
)
from ml_platform.stages.encode import Columns

NEEDED = (MODEL_TEXT, FEATURES_STATE, FEATURES_SOURCE, SCORING)
Transform = Callable[[Columns, Mapping[str, Any]], Columns]
RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """What the store writes beside the files of an artefact: the SHA-256 of each."""

    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything needed to score: the contract, what the features learned, their code, the trees as text."""

    digest: str
    contract: ScoringContract
    features: FeaturesState
    transform: Transform
    model_text: bytes


def read_bundle(folder: Path, expected_digest: str) -> Bundle:
    """Read a model artefact; raises DataInvalid when it isn't exactly the expected one, Unavailable when it is gone.

    The trees are handed on as text and not parsed: the parser is no trust boundary.
    """
    files = read_verified(folder, expected_digest)
    contract = _parsed(folder, SCORING, files, ScoringContract)
    if contract.schema_version != 1:
        message = f"{folder / SCORING}: schema version {contract.schema_version}, known: 1; update the platform"
        raise DataInvalid(message)
    source, where = files[FEATURES_SOURCE], folder / FEATURES_SOURCE
    return Bundle(
        digest=expected_digest,
        contract=contract,
        features=_parsed(folder, FEATURES_STATE, files, FeaturesState),
        transform=_transform(source, where, expected_digest),
        model_text=files[MODEL_TEXT],
    )


def read_verified(folder: Path, expected_digest: str) -> dict[str, bytes]:
    """Return the content of the artefact's files after checking each hash and the digest over all of them."""
    try:
        listed = msgspec.json.decode((folder / FILES).read_bytes(), type=_Index).files
        contents = {name: (folder / Path(name).name).read_bytes() for name in listed}
    except OSError as error:
        message = f"{folder}: {error.strerror} ({Path(str(error.filename)).name}); restore the artefact, or train again"
        raise Unavailable(message) from error
    except msgspec.MsgspecError as error:
        raise DataInvalid(_altered(folder, FILES, expected_digest)) from error
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != listed[name]:
            raise DataInvalid(_altered(folder, name, expected_digest))
    if artefact_digest(listed) != expected_digest:
        raise DataInvalid(_altered(folder, FILES, expected_digest))
    missing = [name for name in NEEDED if name not in contents]
    if missing:
        message = f"{folder}: {', '.join(missing)} missing; a model artefact holds {', '.join(NEEDED)}; train again"
        raise DataInvalid(message)
    return contents


def _altered(folder: Path, name: str, expected_digest: str) -> str:
    return (
        f"{folder / name}: its content isn't what {short(expected_digest)} was given for; only the exact model that "
        "was released is loaded; restore the artefact, or train and release again"
    )


def _parsed(folder: Path, name: str, files: Mapping[str, bytes], kind: type[RecordT]) -> RecordT:
    try:
        return msgspec.json.decode(files[name], type=kind)
    except msgspec.MsgspecError as error:
        raise DataInvalid(f"{folder / name}: {error}; train the model again with this platform") from error


class _Verified(ExecutionLoader):
    """Loads a module from the very bytes whose hash was checked."""

    def __init__(self, source: bytes, path: Path) -> None:
        self._source = source
        self._path = path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - one loader, one module
        """Return the source that was checked."""
        return self._source.decode()

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002
        """Name the file in tracebacks."""
        return str(self._path)


def _transform(source: bytes, path: Path, digest: str) -> Transform:
    name = f"ml_platform_features_{short(digest)}"
    loader = _Verified(source, path)
    module = module_from_spec(ModuleSpec(name, loader, origin=str(path)))
    try:
        loader.exec_module(module)
    except (SyntaxError, ImportError, UnicodeDecodeError, ValueError) as error:
        raise DataInvalid(f"{path}: it can't be run ({error}); train the model again with this platform") from error
    transform: Transform | None = getattr(module, "transform", None)
    if not callable(transform):
        raise DataInvalid(f"{path}: it has no function transform(columns, state); train the model again")
    return transform
