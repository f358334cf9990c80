"""A home with a bit of everything that is sealed."""

from __future__ import annotations

from pathlib import Path

from ml_platform.adapters.artefacts import PLAIN, FileArtefacts
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.sealed_segment import SealedLines, scan_sealed
from ml_platform.adapters.segments import Scan, SegmentWriter, line_of, segments_of

ROW = b"a secret row"
KINDS = ("features", "models", "quarantine", "snapshots")
FILES = {"data.parquet": ROW * 9, "manifest.json": ROW}
TRAFFIC = Path("traffic") / "production" / "toy"


def filled(home: Path, *, digests: int = 1) -> FileKeys:
    """Store artefacts of several kinds, a report that stays plain, and a segment of traffic."""
    keys = FileKeys(home)
    store = FileArtefacts(home, keys)
    for number in range(digests):
        for kind in (*KINDS, *PLAIN):
            store.put(kind, f"{number:064x}", FILES)
    writer = SegmentWriter(home / TRAFFIC, SealedLines(keys))
    writer.append([ROW, ROW])
    writer.close()
    return keys


def filled_before(home: Path) -> None:
    """Store the same as the version of the platform did that sealed nothing."""
    filled(home)
    for kind in KINDS:
        for name, content in FILES.items():
            (home / kind / ("0" * 64) / name).write_bytes(content)
    (segment,) = segments_of(home / TRAFFIC)
    segment.write_bytes(line_of(ROW) * 2)
    for key in (home / "keys").iterdir():
        key.unlink()
    (home / "keys.json").unlink()


def require_readable(home: Path, *, digests: int = 1) -> None:
    """Read everything back."""
    keys = FileKeys(home)
    store = FileArtefacts(home, keys)
    for number in range(digests):
        for kind in (*KINDS, *PLAIN):
            for name, content in FILES.items():
                assert store.read(kind, f"{number:064x}", name) == content
    (segment,) = segments_of(home / TRAFFIC)
    assert list(scan_sealed(segment, Scan(), keys)) == [ROW, ROW]
