"""Known: what a source's files were when they were last looked at, remembered, so that watching costs little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.sources.look import Known

if TYPE_CHECKING:
    from ml_platform.core.ports import Memory
    from ml_platform.policy.spec import ModelSpec

SCHEMA_VERSION = 1
KnownTables = Mapping[str, Mapping[str, Known]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Per table and file its mark, digest and how it is read."""

    schema_version: int = SCHEMA_VERSION
    tables: Mapping[str, Mapping[str, Known]]


def recall_known(memory: Memory, spec: ModelSpec) -> KnownTables:
    """Return what is known of the files of exactly this source; nothing when none was remembered."""
    found = memory.recall(f"{spec.model}.source", _key(spec), Seen)
    return found.record.tables if found else {}


def remember_known(memory: Memory, spec: ModelSpec, tables: KnownTables) -> None:
    """Remember what is known of the files."""
    memory.remember(f"{spec.model}.source", _key(spec), Measured(record=Seen(tables=tables), measurements=()))


def _key(spec: ModelSpec) -> str:
    return digest_of({"version": SCHEMA_VERSION, "source": spec.source.model_dump(mode="json")})
