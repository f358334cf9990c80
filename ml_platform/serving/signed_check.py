"""Signed check: a version is loaded only when the platform signed the evidence of exactly its model.

It is verified with the program for auditors: it needs the standard library alone, while the promotion lock's own way
of reading a bundle brings the policies, and half a second at every start. Nothing of a model is read before.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_platform.core.digest import canonical_json, digest_of_bytes, short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.plain_file import read_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_platform.core.records import ReleaseRecord

MOST_BYTES = 64 << 20
RESTORE = "restore it from a backup, or release and promote again"


def require_signed(home: Path, release: ReleaseRecord, evidence: bytes) -> None:
    """Raise DataInvalid unless the platform signed this evidence, for this release; Unavailable when that is gone."""
    if not release.bundle_digest:
        message = (
            f"{release.model} v{release.version}: its evidence isn't signed, as it was made before evidence was; only "
            "signed versions are served; release and promote again"
        )
        raise DataInvalid(message)
    path = home / "bundles" / release.bundle_digest / "bundle.intoto.jsonl"
    content = read_plain(path, most_bytes=MOST_BYTES, hint=RESTORE)
    if digest_of_bytes(content) != release.bundle_digest:
        raise DataInvalid(f"{path}: its content was altered; what was signed at the release is needed; {RESTORE}")
    problems = _problems(home, content) or _differences(content, release, evidence)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        message = (
            f"{path}: {problems[0]}{more}; only what the platform signed of exactly v{release.version} "
            f"({short(release.candidate.model_digest)}) is served; {RESTORE}"
        )
        raise DataInvalid(message)


def _problems(home: Path, content: bytes) -> list[str]:
    """Return what is wrong with the bundle by itself: signatures, digests, verdicts."""
    from ml_platform.adapters.signing_keys import FileSigningKeys
    from ml_platform.core.public_keys import written_keys
    from ml_platform.stages.verify_bundle import problems_of

    keys = json.loads(written_keys(FileSigningKeys(home).public_keys()))["keys"]
    return problems_of(content, keys)


def _differences(content: bytes, release: ReleaseRecord, evidence: bytes) -> list[str]:
    """Return where the bundle, which is sound by itself, is about something else than this release."""
    from ml_platform.core.dsse import read_envelope

    provenance, summary = (json.loads(read_envelope(line, "the bundle").payload) for line in content.splitlines())
    subjects = {one["name"]: one["digest"]["sha256"] for one in summary["subject"]}
    said: Mapping[str, Any] = summary["predicate"]["ml_platform_evidence"]
    people = provenance["predicate"]["runDetails"]["ml_platform_people"]
    candidate = release.candidate
    agreements = {
        "it was signed of another evidence": said == json.loads(evidence),
        "it was signed of another candidate": said["candidate"] == json.loads(canonical_json(candidate)),
        "it was signed of another model's version": (release.model, candidate.model)
        == (said["candidate"]["model"],) * 2,
        "its subject is another model": subjects["model"] == candidate.model_digest,
        "its subject is another evaluation": subjects["evaluation"] == candidate.evaluation_digest,
        "somebody else released it": people["released_by"] == release.released_by,
    }
    return [problem for problem, agrees in agreements.items() if not agrees]
