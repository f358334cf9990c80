"""Public keys from a file: enough to check signatures, without a home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_platform.adapters.ed25519 import holds
from ml_platform.core.public_keys import parse_keys, require_vouched
from ml_platform.core.signing import PublicKey


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """Keys that are known; see `Verifier`."""

    keys: tuple[PublicKey, ...]

    def public_keys(self) -> Sequence[PublicKey]:
        """Return all keys, oldest first, retired ones included."""
        return self.keys

    def holds(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether this key signed exactly this message."""
        return holds(public, message, signature)


def read_public_keys(path: Path) -> PublicKeys:
    """Read what `ml-platform keys public` wrote; raises DataInvalid when it is anything else."""
    keys = parse_keys(path.read_bytes(), str(path))
    require_vouched(keys, holds, str(path))
    return PublicKeys(keys)
