"""Features module: the code a model's author writes, found by its dotted path and named by its digest."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.errors import PolicyInvalid
from ml_platform.core.scoring import FEATURES_SOURCE, shared_source
from ml_platform.stages import encode
from ml_platform.stages.encode import Columns
from ml_platform.stages.shared_code import shared_code

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

State = Mapping[str, Any]
Assemble = Callable[[Mapping[str, "pd.DataFrame"]], "pd.DataFrame"]
Fit = Callable[[Columns], dict[str, Any]]
Transform = Callable[[Columns, State], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesModule:
    """The functions of a features module; `digest` covers its source, what it shares, and the platform's encoding.

    `shared` holds the files of the modules of its own package that it imports, by dotted name.
    """

    name: str
    assemble: Assemble | None
    fit: Fit | None
    transform: Transform
    digest: str
    path: Path
    shared: Mapping[str, Path] = field(default_factory=dict)


def load_features(spec: ModelSpec) -> FeaturesModule:
    """Import the features module of a model; PolicyInvalid when it is missing, broken or without `transform`."""
    return load_named(spec.features, model=spec.model)


def load_named(name: str, *, model: str) -> FeaturesModule:
    """Import a features module by its dotted path; raises as `load_features` does."""
    where = f"{model}: features is '{name}'"
    try:
        module = importlib.import_module(name)
    except Exception as error:  # an author's module may fail in any way, and must not take other models down
        seen = f"{type(error).__name__}: {error}"
        problem = f"{where}: it can't be imported ({seen}); an importable module is needed; correct its name or code"
        raise PolicyInvalid([problem]) from error
    functions = {name: getattr(module, name, None) for name in ("assemble", "fit", "transform")}
    wrong = [each for each, found in functions.items() if found is not None and not callable(found)]
    if wrong or functions["transform"] is None or module.__file__ is None:
        seen = f"{wrong[0]} is no function" if wrong else "it has no function transform(columns, state)"
        raise PolicyInvalid([f"{where}: {seen}; `transform` is needed, `assemble` and `fit` may be there; write it"])
    path = Path(module.__file__)
    shared = shared_code(name, path)
    return FeaturesModule(
        name=name,
        assemble=functions["assemble"],
        fit=functions["fit"],
        transform=functions["transform"],
        digest=code_digest(path, shared),
        path=path,
        shared=shared,
    )


def code_files(module: FeaturesModule) -> dict[str, bytes]:
    """Return the source of a features module and of what it shares, named as an artefact holds them."""
    shared = {shared_source(name): path.read_bytes() for name, path in module.shared.items()}
    return {FEATURES_SOURCE: module.path.read_bytes(), **shared}


def source_digest(dotted: str) -> str:
    """Return the digest that a features module has now, found without running it; empty when there is none."""
    import importlib.util

    try:
        found = importlib.util.find_spec(dotted)
        path = Path(found.origin) if found is not None and found.origin is not None else None
        return code_digest(path, shared_code(dotted, path)) if path is not None else ""
    except (ImportError, ValueError, AttributeError, OSError, PolicyInvalid):
        return ""  # the stage that runs the module says what is wrong


def code_digest(path: Path, shared: Mapping[str, Path] = MappingProxyType({})) -> str:
    """Return the digest of a features module's source together with what it shares and the encoding it is fed by."""
    sources = [digest_of_bytes(source.read_bytes()) for source in (path, Path(encode.__file__))]
    theirs = {name: digest_of_bytes(source.read_bytes()) for name, source in shared.items()}
    return digest_of([*sources, theirs] if theirs else sources)
