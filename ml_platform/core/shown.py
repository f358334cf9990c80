"""What a tracker shows of a model: versions, aliases, tags; made from the ledger, perhaps changed by others since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml_platform.core.records import ReleaseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVersion:
    """A registered version under the tracker's own number; `genuine`: it lies where its run's model lies."""

    number: int
    run_id: str
    genuine: bool
    stage: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownModel:
    """Everything shown of one model; empty when the tracker knows no such model."""

    versions: tuple[ShownVersion, ...] = ()
    aliases: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def release_tags(release: ReleaseRecord) -> dict[str, str]:
    """Return the tags under which a release is shown."""
    return {
        "version": str(release.version),
        "evidence_digest": release.evidence_digest,
        "policy_digest": release.policy_digest,
        "candidate_digest": release.candidate.digest,
        "model_digest": release.candidate.model_digest,
        "snapshot_digest": release.candidate.snapshot_digest,
        "git_commit": release.candidate.git_commit,
        "released_by": release.released_by,
        "released_at": release.released_at.isoformat(),
    }


GOVERNED_TAGS = frozenset(
    {
        "version", "evidence_digest", "policy_digest", "candidate_digest", "model_digest", "snapshot_digest",
        "git_commit", "released_by", "released_at",
    }
)  # fmt: skip
