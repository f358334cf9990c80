"""`python -m ml_platform.serving`: the scoring service without the rest of the command line."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from ml_platform.core.errors import PlatformError
from ml_platform.serving.gates import OpenGate, SecretGate
from ml_platform.settings import load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; returns 0 after a graceful end, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m ml_platform.serving", description="Serve what is live over HTTP.")
    parser.add_argument("--model", required=True, action="append", help="again for each further model")
    parser.add_argument("--env", required=True, help="staging or production")
    parser.add_argument("--home", type=Path, help="the platform's state (default: ML_PLATFORM_HOME or .ml_platform)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0: any free one")
    parser.add_argument("--port-file", type=Path, help="where to write the port once requests are accepted")
    parser.add_argument(
        "--traffic", type=Path, help="log predictions here instead of in the home; `keys rotate` doesn't look here"
    )
    parser.add_argument("--sync-seconds", type=float, default=0.05, help="0: every answer waits for the disk")
    parser.add_argument("--workers", type=int, default=1, help="how many processes serve")
    parser.add_argument("--drain-seconds", type=float, default=0.0, help="take requests so long after SIGTERM")
    parser.add_argument("--log-bytes", type=int, help="how large the log may be")
    parser.add_argument("--drop-oldest", action="store_true", help="drop the oldest days of a log that is too large")
    parser.add_argument("--with-parent", action="store_true", help="end when the starting process ends")
    parser.add_argument("--live-only", action="store_true", help="try no challenger beside what is live")
    parser.add_argument("--secret-file", type=Path, help="answer only who sends the secret in this file as a token")
    given = parser.parse_args(arguments)
    from ml_platform.serving.run import Serving, serve

    settings = load_settings()
    serving = Serving(
        home=(given.home or settings.home).absolute(),
        model=given.model[0],
        others=tuple(dict.fromkeys(name for name in given.model if name != given.model[0])),
        environment=given.env,
        host=given.host,
        port=given.port,
        port_file=given.port_file,
        traffic=given.traffic,
        sync_seconds=given.sync_seconds,
        with_parent=given.with_parent,
        gate=_gate(given.secret_file),
        live_only=given.live_only,
        drain_seconds=given.drain_seconds,
        most_log_bytes=given.log_bytes,
        drop_oldest=given.drop_oldest,
    )
    try:
        if given.workers > 1:
            from ml_platform.serving.workers import serve_with_workers

            gate = serving.gate or OpenGate(serving.home)
            serve_with_workers(
                serving, given.workers, gate=lambda: nullcontext(gate), defs=settings.defs, announce=_say
            )
        else:
            serve(serving, defs=settings.defs, announce=_say)
    except PlatformError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _gate(secret: Path | None) -> SecretGate | None:
    return None if secret is None else SecretGate(hashlib.sha256(secret.read_bytes()).hexdigest())


def _say(url: str) -> None:
    sys.stdout.write(f"serving at {url} (docs at {url}/docs); Ctrl-C ends it\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
