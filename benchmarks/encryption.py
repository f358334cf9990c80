"""What encryption at rest costs: reading and writing a table sealed, against the same table plain, in one run.

    python benchmarks/encryption.py [--rows 500000] [--columns 20] [--repeats 5]

CPU seconds of one thread; the baseline of every ratio is the plain file in the same run. Two ways to encrypt a Parquet
file are compared: our envelopes (the file sealed as it is) and Parquet's own encryption (uniform, AES_GCM_V1).
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from ml_platform.adapters.artefacts import FileArtefacts

DIGEST = "a" * 64
NAME = "data.parquet"
Result = dict[str, float]


class LocalKms(pe.KmsClient):  # type: ignore[misc]
    """Wraps with a key in memory, so that only the file itself is measured."""

    def __init__(self, _: pe.KmsConnectionConfig) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, _: str) -> bytes:
        """Say it in hex: wrapping costs the same everywhere, and nearly nothing."""
        return key_bytes.hex().encode()

    def unwrap_key(self, wrapped_key: bytes | str, _: str) -> bytes:
        """Take it back."""
        return bytes.fromhex(wrapped_key if isinstance(wrapped_key, str) else wrapped_key.decode())


def made_table(rows: int, columns: int) -> pa.Table:
    """Make a table as governed models have: half numbers, a quarter whole numbers, a quarter levels."""
    rng = np.random.default_rng(7)
    made: dict[str, pa.Array] = {}
    for at in range(columns):
        if at % 4 == 0:
            levels = pa.array([f"level {level}" for level in range(50)])
            made[f"level_{at}"] = pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, 50, rows)), levels)
        elif at % 4 == 1:
            made[f"whole_{at}"] = pa.array(rng.integers(0, 10_000, rows))
        else:
            made[f"number_{at}"] = pa.array(rng.normal(size=rows).round(4))
    return pa.table(made)


def cpu_seconds(runs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return each run's median CPU time; they take turns, so that a busy machine slows all of them."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 1):
        for name, run in runs.items():
            before = time.process_time()
            run()
            taken[name].append(time.process_time() - before)
    return {name: median(found[1:]) for name, found in taken.items()}  # the first round warms up


def measure(rows: int, columns: int, repeats: int) -> Result:
    """Return ratios against the plain file, and the plain file's own figures."""
    table = made_table(rows, columns)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=1)
    content = sink.getvalue()
    with tempfile.TemporaryDirectory(prefix="ml-platform-") as folder:
        home = Path(folder)
        store = FileArtefacts(home)
        store.put("snapshots", DIGEST, {NAME: content})
        store.put("reports", DIGEST, {NAME: content})  # a kind that stays plain
        plain, own = home / "reports" / DIGEST / NAME, home / "own.parquet"
        factory, config = pe.CryptoFactory(LocalKms), pe.KmsConnectionConfig()
        write = factory.file_encryption_properties(
            config,
            pe.EncryptionConfiguration(footer_key="k", uniform_encryption=True, encryption_algorithm="AES_GCM_V1"),
        )
        pq.write_table(table, own, compression="zstd", compression_level=1, encryption_properties=write)

        def read_own() -> pa.Table:
            properties = factory.file_decryption_properties(config)
            return pq.read_table(own, use_threads=False, decryption_properties=properties)

        found = cpu_seconds(
            {
                "plain": lambda: pq.read_table(plain, use_threads=False),
                "sealed": lambda: _read(store, "snapshots"),
                "hashed": lambda: _read(FileArtefacts(home), "reports"),
                "parquet": read_own,
                "write sealed": lambda: _write(home, "kind", content),
                "write plain": lambda: _write(home, "reports", content),
            },
            repeats,
        )
    return {
        "plain_seconds": found["plain"],
        "plain_megabytes": len(content) / 1e6,
        "read_sealed": found["sealed"] / found["plain"],
        "read_hashed": found["hashed"] / found["plain"],
        "read_parquet_encryption": found["parquet"] / found["plain"],
        "write_sealed": found["write sealed"] / found["write plain"],
    }


def _read(store: FileArtefacts, kind: str) -> pa.Table:
    with store.open(kind, DIGEST, NAME) as file:
        return pq.read_table(file, use_threads=False)


def _write(home: Path, kind: str, content: bytes) -> None:
    with FileArtefacts(home).draft(kind) as draft:
        with draft.create(NAME) as file:
            file.write(content)
        draft.keep(f"{time.time_ns():064x}")


def main(arguments: list[str] | None = None) -> Result:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(arguments)
    found = measure(given.rows, given.columns, given.repeats)
    sys.stdout.write(
        f"{given.rows} rows x {given.columns} columns, zstd: {found['plain_megabytes']:.1f} MB; reading it plain takes "
        f"{found['plain_seconds']:.3f} CPU s; of that, as a ratio:\n"
        f"  read sealed (as the store does)             {found['read_sealed']:.2f}\n"
        f"  read plain, its SHA-256 checked             {found['read_hashed']:.2f}\n"
        f"  read with Parquet's own uniform encryption  {found['read_parquet_encryption']:.2f}\n"
        f"  write sealed / write plain (both hashed)    {found['write_sealed']:.2f}\n"
    )
    return found


if __name__ == "__main__":
    main()
