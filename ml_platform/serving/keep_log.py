"""Keep log: the service's log is compacted, and cut if that was asked for, in a process of its own beside it.

`python -m ml_platform.serving.keep_log HOME MODEL ENVIRONMENT FOLDER` does it once.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.core.errors import PlatformError

PAUSE_SECONDS = 30.0
NICENESS = 10
ACTOR = "scoring service"

log = logging.getLogger("ml_platform.serving")


@dataclass(slots=True)
class Keeper:
    """Starts the process, one at a time and not too often; several services of a log may do so, one is let in."""

    command: Sequence[str]
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started_at: float = field(default=float("-inf"), init=False)

    def __call__(self) -> None:
        """Start it, if it isn't at work and it is time again."""
        if self._child is not None and self._child.poll() is None:
            return
        if time.monotonic() - self._started_at < PAUSE_SECONDS:
            return
        self._started_at = time.monotonic()
        self._child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)


def command(home: Path, model: str, environment: str, folder: Path, *, most_bytes: int, drop_oldest: bool) -> list[str]:
    """Return the command line of the process."""
    dropping = ["--drop-beyond", str(most_bytes)] if drop_oldest else []
    return [sys.executable, "-m", "ml_platform.serving.keep_log", str(home), model, environment, str(folder), *dropping]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compact, and drop days if asked to; what was done is said, what couldn't be is an exit code of 2."""
    parser = argparse.ArgumentParser(prog="python -m ml_platform.serving.keep_log", description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("model")
    parser.add_argument("environment")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--drop-beyond", type=int, help="drop the oldest days while the log takes more bytes")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    try:
        _keep(given.home, f"{given.model}/{given.environment}", given.folder, given.drop_beyond)
    except PlatformError as error:
        log.warning("%s", error)
        return error.exit_code
    return 0


def _keep(home: Path, subject: str, folder: Path, drop_beyond: int | None) -> None:
    from ml_platform.adapters.keep_traffic import keep, keep_within
    from ml_platform.adapters.keys import FileKeys
    from ml_platform.adapters.ledger import SqliteLedger
    from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
    from ml_platform.adapters.signing_keys import FileSigningKeys
    from ml_platform.settings import load_settings

    keys = FileKeys(home)
    if drop_beyond is None:
        kept = keep(folder, keys=keys)
    else:
        checkpoints = Checkpoints(target_of(home, load_settings().checkpoints), FileSigningKeys(home))
        with contextlib.closing(SqliteLedger(home / "ledger.sqlite", clock=_now, checkpoints=checkpoints)) as ledger:
            kept = keep_within(folder, drop_beyond, keys=keys, ledger=ledger, actor=ACTOR, subject=subject, now=_now())
    done = kept.compacted
    log.info("log: %d predictions of %d segments compacted", done.predictions, done.segments)
    for day in kept.dropped:
        log.warning("log: %s dropped with %d predictions; it is in the audit", day.day, day.predictions)
    for problem in done.problems:
        log.warning("log: %s", problem)


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


if __name__ == "__main__":
    sys.exit(main())
