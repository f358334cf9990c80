"""Release check: a deployment manifest is believed only when the ledger and the evidence say the same.

The manifest is a plain file: somebody with the disk can write one by hand. The ledger is the authority on what is live.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import Manifest, manifest_path
from ml_platform.adapters.ledger.looking import live_in
from ml_platform.core.digest import digest_of_bytes, short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import Evidence


def require_live(home: Path, manifest: Manifest) -> None:
    """Raise DataInvalid unless exactly this was released and is live, Unavailable when that can't be found out."""
    where = manifest_path(home, manifest.environment, manifest.model)
    live = live_in(home / "ledger.sqlite", manifest.model, manifest.environment)
    if not manifest.shows(live):
        said = "nothing" if live is None else f"v{live.version} ({short(live.model_digest)})"
        message = (
            f"{where}: it names v{manifest.version} ({short(manifest.model_digest)}), but the ledger says that {said} "
            "is live; only what was promoted is served. Run `ml-platform audit verify`, then promote again."
        )
        raise DataInvalid(message)
    require_evidence_of(home, manifest)


def require_evidence_of(home: Path, manifest: Manifest) -> None:
    """Raise DataInvalid unless the evidence is about exactly this model, Unavailable when it is gone."""
    where = manifest_path(home, manifest.environment, manifest.model)
    candidate = _evidence(home, manifest.evidence_digest).candidate
    if (candidate.model, candidate.model_digest) != (manifest.model, manifest.model_digest):
        message = (
            f"{where}: its evidence {short(manifest.evidence_digest)} is about {candidate.model} "
            f"({short(candidate.model_digest)}), not {manifest.model} ({short(manifest.model_digest)}); only a model "
            "with evidence of its own is served. Release it, then promote it."
        )
        raise DataInvalid(message)


def _evidence(home: Path, digest: str) -> Evidence:
    """Read evidence; `stages.evidence` would do it too, but brings the policies, and half of the service's start."""
    content = FileArtefacts(home).read("evidence", digest, "evidence.json")
    where = f"evidence {short(digest)}"
    if digest_of_bytes(content) != digest:
        raise DataInvalid(f"{where}: its content was altered; it has to be what was released. Release again.")
    try:
        return msgspec.json.decode(content, type=Evidence)
    except msgspec.MsgspecError as error:
        raise DataInvalid(f"{where}: not an evidence bundle ({error}). Release again.") from error
