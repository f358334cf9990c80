"""Canaries: unmistakable values in columns about persons, and a search for them in everything that was written."""

from __future__ import annotations

import io
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from ml_platform.adapters.artefacts import INDEX, PLAIN, FileArtefacts
from ml_platform_tests.orchestration.small_model import rows

NAMED = re.compile(rb"kanari|77712345678", re.IGNORECASE)
SENSITIVE = re.compile(rb"zealot|88812345678", re.IGNORECASE)
EITHER = re.compile(NAMED.pattern + b"|" + SENSITIVE.pattern, re.IGNORECASE)

TIME = "    sent: {type: datetime, role: time}"
COLUMNS = f"""\
    person: {{type: category, role: entity, personal_data: direct}}
    mail: {{type: category, missing: 0.1, role: not_used, personal_data: direct, reason: Who it is.}}
    account: {{type: integer, role: not_used, personal_data: direct, reason: Who it is.}}
    belief: {{type: category, role: not_used, personal_data: sensitive, reason: Comes with the table.}}
    illness: {{type: category, personal_data: sensitive, reason: Parcels with medicine are waited for.}}
    index: {{type: number, range: [0, 1.0e+12], personal_data: sensitive, reason: As above.}}
{TIME}"""

SPLIT = (
    "split: {kind: time, train_days: 120, validation_days: 20, calibration_days: 30, holdout_days: 60}",
    "split: {kind: entity, train: 0.5, validation: 0.1, calibration: 0.15, holdout: 0.25, salt: parcels}",
)
FEATURES = ("ml_platform_tests.orchestration.small_features", "ml_platform_tests.flow.canary_features")


def canary_rows(count: int) -> pd.DataFrame:
    """Return parcels with columns about persons; every value of these is a canary."""
    rng = np.random.default_rng(8)
    person = rng.integers(0, count // 3, count)
    illness = rng.choice(["zealot cough", "zealot fever", "zealot ache"], count).astype(object)
    illness[count // 2] = "zealot rarity"
    index = rng.normal(88_812_345_678.0, 0.4, count).round(3).clip(88_812_345_678.0, 88_812_345_678.999)
    found = rows(count)
    logit = 0.045 * (found["weight"] - 30) + 0.0013 * (found["distance"] - 1000) + 3 * (index - index.mean())
    logit += np.where(found["carrier"] == "land", 1.0, -0.5) + np.where(illness == "zealot ache", 1.0, -0.5)
    return found.assign(
        late=rng.random(count) < 1 / (1 + np.exp(-logit)),  # by all features alike: none explains alone
        person=[f"Kanari Person{one}" for one in person],
        mail=[f"kanari{one}@example.org" for one in person],
        account=77_712_345_678_000 + person,
        belief=[f"Zealot {one}" for one in rng.integers(0, 50, count)],
        illness=illness,
        index=index,
    )


def seen_in(folder: Path, *, but: frozenset[str]) -> Iterator[str]:
    """Yield every file of a folder in which a canary lies as it is, or unpacked; `but` names files to leave out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in but:
            for piece in _pieces(path):
                found = EITHER.search(piece)
                if found:
                    yield f"{path.relative_to(folder)}: {piece[max(0, found.start() - 80) : found.end() + 40]!r}"
                    break


def seen_unsealed(home: Path) -> Iterator[str]:
    """Yield every sealed artefact that names a person once it is opened."""
    store = FileArtefacts(home)
    for index in sorted(home.glob(f"*/*/{INDEX}")):
        digest, kind = index.parent.name, index.parent.parent.name
        for name in () if kind in PLAIN else store.names(kind, digest):
            found = NAMED.search(_decoded(store.read(kind, digest, name)))
            if found:
                yield f"{kind}/{name}: {found.group()!r}"


def _pieces(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    yield _decoded(content)
    if content.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  (names come from the file)
                    yield b"\n".join(_cell(cell) for cell in row)


def _cell(cell: object) -> bytes:
    content = cell if isinstance(cell, bytes) else str(cell).encode()
    try:
        return content + zlib.decompress(content)
    except zlib.error:
        return content


def _decoded(content: bytes) -> bytes:
    """Return a table as text; of a tree model all but the thresholds, which lie between two values."""
    if content.startswith(b"tree\n"):
        return re.sub(rb"^threshold=.*$", b"", content, flags=re.MULTILINE)
    if not content.startswith(b"PAR1"):
        return content.decode("utf-8", "ignore").encode()
    return pd.read_parquet(io.BytesIO(content)).to_csv().encode()
