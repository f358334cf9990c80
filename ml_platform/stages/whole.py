"""Whether what is live lies there whole: model, evidence and signed bundle of each version, by their digests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.ports import ArtefactStore, Ledger
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.signing import Verifier
from ml_platform.stages.attested import bundle_objections
from ml_platform.stages.evidence import read_evidence
from ml_platform.stages.versions import ENVIRONMENTS, artefact_objections


def lacking(ledger: Ledger, store: ArtefactStore, verifier: Verifier, models: Iterable[str]) -> Iterator[str]:
    """Yield what is missing or was altered of the versions of these models that are live anywhere, in words."""
    for model in models:
        live = {environment: ledger.live(model, environment) for environment in ENVIRONMENTS}
        places: dict[int, list[str]] = {}
        for environment, one in live.items():
            if one is not None:
                places.setdefault(one.version, []).append(environment)
        for version, environments in sorted(places.items()):
            release = ledger.release(model, version)
            if release is not None:
                where = f"{model} v{version}, live in {' and '.join(environments)}"
                yield from (f"{where}: {why}" for why in _of(store, verifier, release))


def _of(store: ArtefactStore, verifier: Verifier, release: ReleaseRecord) -> Iterator[str]:
    yield from (one.reason for one in artefact_objections(store, release))
    try:
        evidence = read_evidence(store, release.evidence_digest)
    except (DataInvalid, Unavailable) as error:
        yield f"its evidence: {error}"
        return
    yield from (one.reason for one in bundle_objections(store, verifier, release, evidence))
