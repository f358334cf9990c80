"""A release run of flights, evaluated fast, against a plain script that trains the same model: CPU, in turn.

`python benchmarks/release.py [--pairs 3]`. Both start from nothing: the release into an empty home (snapshot,
contract, every gate, tracking, evidence, ledger, a check in a clean process, staging and its running service), the
script from the same files. CPU is user + system time of the process and all its children. The two models are compared
tree by tree: unless they are the same, nothing was compared. Ends with 1 when the ratio of the medians is above the
limit. What the full evaluation costs beside it is measured by `evaluation_cost.py`.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 2.0
BIN = Path(sys.executable).parent
RELEASE = (str(BIN / "dagster"), "job", "execute", "-m", "ml_platform.definitions", "-j", "flights_release")
PREPARE = (str(BIN / "dagster"), "instance", "migrate")
PLAIN = (sys.executable, str(ROOT / "benchmarks" / "plain_release.py"), "--to", "plain")


def main() -> int:
    """Run both in turn, print each pair and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs: int = parser.parse_args().pairs
    seconds: dict[str, list[float]] = {"release": [], "plain": []}
    for pair in range(pairs):
        with tempfile.TemporaryDirectory(prefix="release-") as folder:
            here = Path(folder)
            seconds["plain"].append(cpu_seconds(PLAIN, here))
            shutil.copy(ROOT / "dagster.yaml", here)
            cpu_seconds(PREPARE, here)
            seconds["release"].append(cpu_seconds(RELEASE, here))
            require_same_trees(here)
        print(
            f"pair {pair + 1}: release {seconds['release'][-1]:.1f} s, plain {seconds['plain'][-1]:.1f} s", flush=True
        )
    release, plain = (statistics.median(found) for found in (seconds["release"], seconds["plain"]))
    print(f"CPU: release {release:.1f} s, plain {plain:.1f} s, ratio {release / plain:.2f} (limit {LIMIT:g})")
    return int(release / plain > LIMIT)


def cpu_seconds(command: Sequence[str], folder: Path) -> float:
    """Run a command in a folder and return the CPU time of it and its children; CalledProcessError when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
        done.check_returncode()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environment(folder: Path) -> Mapping[str, str]:
    """Return the environment that `make run` sets, all state in the folder."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ML_PLATFORM_", "MLFLOW_"))},
        "DAGSTER_HOME": str(folder),
        "ML_PLATFORM_HOME": str(folder / "home"),
        "ML_PLATFORM_EVALUATION": "fast",
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "OMP_WAIT_POLICY": "passive",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def require_same_trees(folder: Path) -> None:
    """Raise when the release and the script didn't train the same trees."""
    from ml_platform.adapters.artefacts import FileArtefacts
    from ml_platform.learners.tree_text import tree_digest

    (released,) = (folder / "home" / "models").glob("[!.]*")
    text = FileArtefacts(folder / "home").read("models", released.name, "model.txt").decode()
    digests = {tree_digest(text), tree_digest((folder / "plain" / "model.txt").read_text())}
    assert len(digests) == 1, f"the release and the plain script trained different trees: {digests}"


if __name__ == "__main__":
    sys.exit(main())
