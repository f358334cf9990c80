"""A source that changes while it is read is refused by the table's name, and nothing of it is stored."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.sources.read import fingerprint
from ml_platform.stages.assemble import assemble
from ml_platform.stages.snapshot import take_snapshot
from ml_platform_tests.stages.parcels import NOW, Parcels, parcel_rows

if TYPE_CHECKING:
    import pandas as pd

Change = Callable[[int], None]


def file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Change]:
    path = folder / "rows.csv"
    return {"kind": "file", "path": str(path)}, lambda seed: parcel_rows(seed=seed).to_csv(path, index=False)


def one_more_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Change]:
    rows = folder / "rows"
    rows.mkdir()

    def change(seed: int) -> None:
        draft = rows / "_draft"
        parcel_rows(700, seed=seed).iloc[600 + seed % 50 :].to_csv(draft, index=False)
        draft.rename(rows / f"{seed % 20}.csv")

    parcel_rows().to_csv(rows / "a.csv", index=False)
    return {"kind": "file", "path": str(rows)}, change


def database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Change]:
    path = folder / "rows.db"

    def change(seed: int) -> None:
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            rows = parcel_rows(600 if seed == 0 else 8, seed=seed)
            rows.to_sql("parcels", connection, if_exists="append", index=False)

    return {"kind": "sql", "url": f"sqlite:///{path}", "table": "parcels"}, change


def shelf(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Change]:
    monkeypatch.setenv("ML_PLATFORM_ALLOWED_URLS", "memory://changing")
    files = fsspec.filesystem("memory")
    return {"kind": "url", "url": "memory://changing/rows.csv"}, lambda seed: files.pipe(
        "/changing/rows.csv", parcel_rows(seed=seed).to_csv(index=False).encode()
    )


def of(folder: Path, table: dict[str, Any]) -> Parcels:
    (folder / "unused").mkdir()
    said = {
        "tables": {"rows": table},
        "as_of": "2024-05-30T00:00:00Z",
        "licence": "CC0-1.0",
        "description": "Invented.",
    }
    return Parcels(folder / "unused", source=said)


@contextmanager
def writer(change: Change) -> Iterator[None]:
    """Change the source again and again in a thread, at least once before the body begins."""
    begun, enough = threading.Event(), threading.Event()

    def write() -> None:
        seed = 1
        while not enough.is_set():
            change(seed)
            begun.set()
            seed += 1

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(60)
    try:
        yield
    finally:
        enough.set()
        thread.join()


@pytest.mark.parametrize("kind", [file, one_more_file, database, shelf], ids=lambda kind: kind.__name__)
def test_a_source_that_somebody_writes_is_refused_and_nothing_is_stored(
    kind: Callable[..., tuple[dict[str, Any], Change]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, change = kind(tmp_path, monkeypatch)
    change(0)
    parcels = of(tmp_path, table)
    spec = parcels.spec
    source = fingerprint(spec, now=NOW).record
    with writer(change), pytest.raises(DataInvalid) as refused:
        take_snapshot(spec, store=parcels.store, source=source, as_of=None, reference=None, now=NOW)
    assert "rows" in str(refused.value)
    assert not [path for path in parcels.store.home.rglob("*") if path.is_file()], "something was stored"


@pytest.mark.parametrize("kind", [file, database, shelf], ids=lambda kind: kind.__name__)
def test_a_change_after_the_last_row_was_read_is_noticed_too(
    kind: Callable[..., tuple[dict[str, Any], Change]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ml_platform.stages import snapshot

    table, change = kind(tmp_path, monkeypatch)
    change(0)
    parcels = of(tmp_path, table)
    spec = parcels.spec

    def then_changed(*arguments: Any, **options: Any) -> pd.DataFrame:
        frame = assemble(*arguments, **options)
        change(1)
        return frame

    monkeypatch.setattr(snapshot, "assemble", then_changed)
    source = fingerprint(spec, now=NOW).record
    with pytest.raises(DataInvalid, match="no longer the one that was looked at: rows changed meanwhile"):
        take_snapshot(spec, store=parcels.store, source=source, as_of=None, reference=None, now=NOW)
    assert not [path for path in parcels.store.home.rglob("*") if path.is_file()], "something was stored"
