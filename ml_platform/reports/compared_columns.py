"""Compared columns: what an inspection stored of the columns that its findings name, found by its evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ml_platform.core.compared import COMPARED, FILE, KIND, ComparedColumns
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore

VERSION = 1


def read_compared(store: ArtefactStore, measurements: Iterable[Measurement]) -> ComparedColumns | None:
    """Return the compared columns that a measurement names; None when none does.

    Raises Unavailable when they are gone, DataInvalid when they were altered or are of another version.
    """
    import msgspec

    digest = next((str(one.facts[COMPARED]) for one in measurements if one.facts.get(COMPARED)), "")
    if not digest:
        return None
    try:
        found = msgspec.json.decode(store.read(KIND, digest, FILE), type=ComparedColumns)
    except msgspec.MsgspecError as error:
        message = f"{KIND}/{digest}/{FILE}: can't be read ({error}); take the snapshot again"
        raise DataInvalid(message) from error
    if found.schema_version != VERSION:
        seen = f"is of version {found.schema_version}, version {VERSION} is known"
        raise DataInvalid(f"{KIND}/{digest}/{FILE}: {seen}; take the snapshot again")
    return found
