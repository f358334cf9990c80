"""The shadow's process: it scores what its input brings with the challenger, and logs it beside what was answered.

It ends when its input does, as the service's process has ended or the rollout has.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.core.errors import PlatformError
from ml_platform.core.rollout import RolloutRecord
from ml_platform.serving.live import Live
from ml_platform.serving.mirror import LENGTH_BYTES, Mirrored
from ml_platform.serving.predictor import Predictor
from ml_platform.serving.rollout_check import manifest_of
from ml_platform.serving.scored import challenged, new_ids
from ml_platform.serving.seldom import SELDOM


def main(arguments: Sequence[str] | None = None) -> int:
    """Score until the input ends; returns 0 then, 2 with the reason on standard error when it can't be done."""
    parser = argparse.ArgumentParser(prog="python -m ml_platform.serving.shadow", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the platform's state")
    parser.add_argument("--rollout", required=True, help="the rollout, as JSON")
    parser.add_argument("--traffic", type=Path, required=True, help="the log's folder")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the service, and by that this
    logging.getLogger("ml_platform.serving").addFilter(SELDOM)
    try:
        rollout = msgspec.json.decode(given.rollout, type=RolloutRecord)
        predictor = Predictor.load(FileArtefacts(given.home), rollout.model_digest)
        log = TrafficLog(given.traffic, keys=FileKeys(given.home))
        shadow(Live.of(manifest_of(rollout), predictor), rollout.rollout_id, log, sys.stdin.buffer)
        log.close()
    except (PlatformError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"shadow: {error}\n")
        return 2
    return 0


def shadow(challenger: Live, rollout_id: str, log: TrafficLog, source: BinaryIO) -> None:
    """Score and log each request that `source` brings; raises Unavailable when the log can't be written."""
    for mirrored in _frames(source):
        started = time.thread_time()
        scored = challenged(
            challenger, mirrored.rows, mirrored.event_times, route="shadow",
            rollout=rollout_id if mirrored.first else "", ids=new_ids(len(mirrored.ids)),
            pairs=mirrored.ids,
        )  # fmt: skip
        taken = time.thread_time() - started  # its own time alone: what else runs on the machine isn't its doing
        log.append(scored.written(mirrored.rest_seconds + taken, mirrored.at))


def _frames(source: BinaryIO) -> Iterator[Mirrored]:
    decoder = msgspec.json.Decoder(Mirrored)
    while len(head := source.read(LENGTH_BYTES)) == LENGTH_BYTES:
        length = int.from_bytes(head)
        content = source.read(length)
        if len(content) < length:
            return
        yield decoder.decode(content)


if __name__ == "__main__":
    sys.exit(main())
