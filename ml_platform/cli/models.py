"""Find and load model files for a command; errors name what is known."""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import ml_platform
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.records import ReleaseRecord
    from ml_platform.policy.load import GovernedModelFile


def utc_now() -> dt.datetime:
    """Return the present time in UTC."""
    return dt.datetime.now(tz=dt.UTC)


def defs_folder(settings: Settings) -> Path:
    """Return the folder of the model folders: the configured one, else the shipped ones."""
    return settings.defs or Path(ml_platform.__file__).parent / "defs"


def model_path(settings: Settings, name: str) -> Path:
    """Return a model's file; raises DataInvalid naming the known models and the nearest match."""
    from ml_platform.policy.load import discover

    found = {path.parent.name: path for path in discover(defs_folder(settings))}
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, list(found), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    known = ", ".join(sorted(found)) or "none"
    message = f"{defs_folder(settings)}: there is no model {name!r}; known: {known}.{hint}"
    raise DataInvalid(message)


def load(name: str) -> GovernedModelFile:
    """Load a model's file strictly; raises PolicyInvalid with every problem."""
    from ml_platform.policy.load import load_model

    return load_model(model_path(load_settings(), name), now=utc_now())


def split_reference(reference: str) -> tuple[str, str]:
    """Split `MODEL`, `MODEL@staging` or `MODEL/3` into the model and the rest (empty, `@staging` or `/3`).

    >>> split_reference("flights@production"), split_reference("flights/3"), split_reference("flights")
    (('flights', '@production'), ('flights', '/3'), ('flights', ''))
    """
    for mark in "@/":
        name, found, rest = reference.partition(mark)
        if found:
            return name, found + rest
    return reference, ""


def find_release(platform: Platform, reference: str) -> ReleaseRecord:
    """Return the release that a reference names: a version, what is live somewhere, or the newest version."""
    model, rest = split_reference(reference)
    if not platform.ledger.releases(model):  # a model that was taken away keeps its versions
        model_path(platform.settings, model)
    if rest.startswith("@"):
        live = platform.ledger.live(model, rest[1:])
        if live is None:
            message = f"{reference}: nothing is live there; `ml-platform run {model}` releases a version to staging"
            raise DataInvalid(message)
        version = live.version
    elif rest:
        if not rest[1:].isdigit():
            message = f"{reference}: {rest[1:]!r} is no version number; write {model}/1, {model}@staging or {model}"
            raise DataInvalid(message)
        version = int(rest[1:])
    else:
        releases = platform.ledger.releases(model)
        version = releases[-1].version if releases else 0
    release = platform.ledger.release(model, version)
    if release is None:
        known = ", ".join(str(one.version) for one in platform.ledger.releases(model)) or "none"
        message = f"{reference}: there is no such version; known: {known}; `ml-platform run {model}` makes one"
        raise DataInvalid(message)
    return release
