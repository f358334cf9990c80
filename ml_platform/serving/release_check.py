"""Release check: a deployment manifest is believed only when the ledger and the signed evidence say the same.

The manifest is a plain file: somebody with the disk can write one by hand. The ledger is the authority on what is live.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import Manifest, manifest_path
from ml_platform.adapters.ledger.looking import place_in, release_in
from ml_platform.core.digest import digest_of_bytes, short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.plain_file import read_plain
from ml_platform.core.records import DeploymentRecord, Evidence, ReleaseRecord
from ml_platform.serving.signed_check import MOST_BYTES, RESTORE, require_signed


def require_live(home: Path, manifest: Manifest, served: dt.datetime | None = None) -> dt.datetime:
    """Return since when exactly this is live; raises DataInvalid when it isn't or wasn't released, or Unavailable.

    `served` is since when what is served now was live: nothing from before it is gone back to.
    """
    live, history = place_in(home / "ledger.sqlite", manifest.model, manifest.environment)
    if live is None or not manifest.shows(live):
        said = "nothing" if live is None else f"v{live.version} ({short(live.model_digest)})"
        raise _not_live(home, manifest, f"the ledger says that {said} is live")
    why = _why_not_deployed(home, live, history, served)
    if why:
        raise _not_live(home, manifest, f"that the ledger calls it live isn't the platform's doing: {why}")
    evidence = require_evidence_of(home, manifest)
    require_signed(home, release_of(home, manifest), evidence)
    return live.since


def _not_live(home: Path, manifest: Manifest, why: str) -> DataInvalid:
    return DataInvalid(
        f"{manifest_path(home, manifest.environment, manifest.model)}: it names v{manifest.version} "
        f"({short(manifest.model_digest)}), but {why}; only what was promoted is served. Run "
        "`ml-platform audit verify`, then promote again."
    )


def _why_not_deployed(
    home: Path, live: DeploymentRecord, history: Sequence[DeploymentRecord], served: dt.datetime | None
) -> str:
    """Say why the platform itself didn't make this live, but somebody who can write the database; else nothing."""
    from ml_platform.adapters.signing_keys import FileSigningKeys
    from ml_platform.core.signed_deployment import why_not_newest

    if live != history[-1]:
        return "it isn't the newest deployment"
    why = why_not_newest(FileSigningKeys(home), history)
    if not why and served is not None and live.since < served:
        return "it is older than what is served, as in an older copy of the home"
    return why


def release_of(home: Path, manifest: Manifest) -> ReleaseRecord:
    """Return the version as it was registered, which the manifest has to be about."""
    release = release_in(home / "ledger.sqlite", manifest.model, manifest.version)
    seen = None if release is None else (release.candidate.model_digest, release.evidence_digest)
    if release is None or seen != (manifest.model_digest, manifest.evidence_digest):
        message = (
            f"{manifest_path(home, manifest.environment, manifest.model)}: the ledger registered "
            f"{'no' if release is None else 'another'} v{manifest.version} of {manifest.model}; what is live has to be "
            "what was registered. Run `ml-platform audit verify`, then promote again."
        )
        raise DataInvalid(message)
    return release


def require_evidence_of(home: Path, manifest: Manifest) -> bytes:
    """Return the evidence, which is about exactly this model; raises DataInvalid, or Unavailable when it is gone."""
    where = manifest_path(home, manifest.environment, manifest.model)
    content = _content(home, manifest.evidence_digest)
    candidate = _evidence(content, manifest.evidence_digest).candidate
    if (candidate.model, candidate.model_digest) != (manifest.model, manifest.model_digest):
        message = (
            f"{where}: its evidence {short(manifest.evidence_digest)} is about {candidate.model} "
            f"({short(candidate.model_digest)}), not {manifest.model} ({short(manifest.model_digest)}); only a model "
            "with evidence of its own is served. Release it, then promote it."
        )
        raise DataInvalid(message)
    return content


def _content(home: Path, digest: str) -> bytes:
    """Return the bytes of evidence; `stages.evidence` would do it too, but brings half of the service's start."""
    path = FileArtefacts(home).folder("evidence", digest) / "evidence.json"
    content = read_plain(path, most_bytes=MOST_BYTES, hint=RESTORE)
    if digest_of_bytes(content) != digest:
        raise DataInvalid(f"{path}: its content was altered; it has to be what was released. Release again.")
    return content


def _evidence(content: bytes, digest: str) -> Evidence:
    try:
        return msgspec.json.decode(content, type=Evidence)
    except msgspec.MsgspecError as error:
        raise DataInvalid(f"evidence {short(digest)}: not an evidence bundle ({error}). Release again.") from error
