"""Looking versions up: what is registered, and whether its model and the ledger's history are still as written."""

from __future__ import annotations

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.ports import ArtefactStore, Ledger
from ml_platform.core.records import ReleaseRecord
from ml_platform.stages.bundle import read_verified
from ml_platform.stages.objection import Objection

ENVIRONMENTS = ("staging", "production")


def check_environment(environment: str) -> None:
    """Refuse an environment that doesn't exist; raises DataInvalid."""
    if environment not in ENVIRONMENTS:
        raise DataInvalid(f"environment is {environment!r}; known: {', '.join(ENVIRONMENTS)}. Use one of these.")


def registered(ledger: Ledger, model: str, version: int) -> ReleaseRecord:
    """Return a registered version; raises DataInvalid naming the known ones."""
    release = ledger.release(model, version)
    if release is None:
        known = ", ".join(f"v{each.version}" for each in ledger.releases(model)) or "none"
        raise DataInvalid(f"{model} v{version} isn't registered; known: {known}. Run the release job of {model}.")
    return release


def artefact_objections(store: ArtefactStore, release: ReleaseRecord) -> list[Objection]:
    """Return what is wrong with the stored model of a version: gone, altered or incomplete."""
    digest = release.candidate.model_digest
    try:
        read_verified(store, digest)
    except (DataInvalid, Unavailable) as error:
        return [Objection(f"the model {short(digest)} of {release.model} v{release.version} isn't intact: {error}")]
    return []


def chain_objections(ledger: Ledger) -> list[Objection]:
    """Object to a history that isn't the one that was written; nobody can tell then what was proven."""
    problems = ledger.problems()
    if not problems:
        return []
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return [
        Objection(
            f"the audit chain is broken: {problems[0]}{more}: find out what happened (`ml-platform audit verify`) "
            "before anything is promoted"
        )
    ]
