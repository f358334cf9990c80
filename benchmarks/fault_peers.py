"""The peers of the fault benchmark, each in an environment of its own under `.cache/benchmarks/`.

The script builds the environments with uv, writes every batch as a pair of Parquet files, and runs
`peers/ask_<peer>.py` in each environment. A peer that can't be installed or started is named and not counted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".cache" / "benchmarks"
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "alibi-detect": ("alibi-detect>=0.12", "pandas<3", "pyarrow<20"),
    "nannyml": ("nannyml==0.13.1", "pandas<3", "statsmodels", "pyarrow"),
    "evidently": ("evidently==0.7.23", "pandas<3", "pyarrow"),
    "pandera": ("pandera>=0.35", "pandas>=3", "pyarrow"),
}
SECONDS_TO_INSTALL = 1200


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a peer said of a case, in one of its ways; `peak` is its process's largest memory so far, in MB."""

    detector: str
    case: str
    alarm: bool
    seconds: float
    said: str
    peak: float


def write_case(folder: Path, reference: pd.DataFrame, batch: pd.DataFrame) -> None:
    """Write a case as Parquet; columns of mixed types become text, as Parquet has none."""
    folder.mkdir(parents=True)
    for name, frame in (("reference", reference), ("batch", batch)):
        mixed = [str(column) for column, values in frame.items() if values.dtype == object]
        as_text = {column: frame[column].map(str, na_action="ignore") for column in mixed}
        frame.assign(**as_text).to_parquet(folder / f"{name}.parquet")


def environment(peer: str) -> Path | None:
    """Return the Python of the peer's environment, built if it isn't there; None when that fails."""
    folder = HOME / peer
    done = folder / "complete"
    python = folder / "bin" / "python"
    if done.exists() and done.read_text() == repr(PACKAGES[peer]):
        return python
    uv = Path(sys.executable).parent / "uv"
    shutil.rmtree(folder, ignore_errors=True)
    commands = (
        [str(uv), "venv", "--quiet", "--python", sys.executable, str(folder)],
        [str(uv), "pip", "install", "--quiet", "--python", str(python), *PACKAGES[peer]],
    )
    for command in commands:
        if _failed(peer, command):
            return None
    done.write_text(repr(PACKAGES[peer]))
    return python


def _failed(peer: str, command: Sequence[str]) -> bool:
    try:
        subprocess.run(command, check=True, timeout=SECONDS_TO_INSTALL, capture_output=True, text=True)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"{peer}: can't be installed ({type(error).__name__}) and isn't counted", file=sys.stderr)
        return True
    return False


def ask_peer(peer: str, folder: Path) -> Iterator[Said]:
    """Ask a peer about every case in the folder."""
    python = environment(peer)
    if python is None:
        return
    script = ROOT / "benchmarks" / "peers" / f"ask_{peer.replace('-', '_')}.py"
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run([python, script, folder], stdout=subprocess.PIPE, stderr=errors, text=True, check=False)
        if done.returncode:
            errors.seek(0)
            print(
                f"{peer}: ended with {done.returncode} and isn't counted further: {errors.read()[-500:]}",
                file=sys.stderr,
            )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return
    for line in lines[1:]:
        for way, alarm in line["alarms"].items():
            name = f"{peer} {lines[0]['version']}" + (f", {way}" if way else "")
            yield Said(
                detector=name,
                case=line["case"],
                alarm=alarm,
                seconds=line["seconds"],
                said=line["said"],
                peak=line["peak"],
            )
