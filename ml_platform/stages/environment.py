"""Environment: which distributions a process can import, so that another can be built alike."""

from __future__ import annotations

import hashlib
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from ml_platform.core.digest import digest_of, digest_of_bytes, short

LOCK = "uv.lock"
_SUFFIX = ".dist-info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What is installed (`name-version`, sorted) and the SHA-256 of the lock file it was built from, "" without one."""

    schema_version: int = 1
    python: str
    distributions: tuple[str, ...]
    lock_digest: str

    @property
    def digest(self) -> str:
        """Return the digest of lock and installed distributions; "" when nothing is known to be installed."""
        return digest_of(self) if self.distributions else ""


def read_environment(root: Path) -> Environment:
    """Read the distributions of `sys.path` and the lock file in `root` or the nearest folder above it.

    Names are taken from the folders' names as they are, which the wheel format defines: reading every package's
    metadata costs a hundred times more.
    """
    folders = [Path(entry) for entry in sys.path]
    found = {item.name.removesuffix(_SUFFIX) for folder in folders for item in folder.glob(f"*{_SUFFIX}")}
    lock = lock_file(root)
    return Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        distributions=tuple(sorted(found)),
        lock_digest=digest_of_bytes(lock.read_bytes()) if lock else "",
    )


def lock_file(root: Path) -> Path | None:
    """Return the lock file in `root` or the nearest folder above it, None without one."""
    return next((folder / LOCK for folder in (root, *root.parents) if (folder / LOCK).is_file()), None)


def read_cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name with a digest of its instruction flags; only the machine type without cpuinfo."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = fields.get("model name") or fields.get("CPU part") or platform.processor() or platform.machine()
    flags = fields.get("flags") or fields.get("Features") or ""
    instructions = f", instructions {short(hashlib.sha256(flags.encode()).hexdigest())}" if flags else ""
    return f"{name} ({platform.machine()}{instructions})" if name else ""
