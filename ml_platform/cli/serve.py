"""`ml-platform serve`: serve what is live in an environment over HTTP."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.core.gate import Gate
    from ml_platform.serving.run import Serving
    from ml_platform.settings import Settings


def _utc_now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(tz=dt.UTC)


@click.command(name="serve")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--env", "environment", default="production", show_default=True, help="staging or production.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, help="0: any free one.")
@click.option(
    "--port-file", type=click.Path(path_type=Path), help="Where to write the port once requests are accepted."
)
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="How many processes serve on the port."
)
@click.option("--durable", is_flag=True, help="Answer only when the prediction is on the disk.")
@click.option(
    "--drain-seconds",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 600),
    help="After SIGTERM, answer so long while /health keeps new requests away.",
)
@click.option(
    "--most-at-once",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Requests that one process takes on at once; others are answered 503.",
)
@click.option(
    "--score-seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="How long a request may take to be scored and written down.",
)
@click.option("--log-mb", type=click.IntRange(1), help="How large the log of predictions may be (default: any size).")
@click.option(
    "--log-full",
    default="refuse",
    show_default=True,
    type=click.Choice(["refuse", "drop-oldest"]),
    help="What to do when the log is as large as it may be and compacted.",
)
@click.option(
    "--free-mb",
    default=256,
    show_default=True,
    type=click.IntRange(0),
    help="With less than this free on the log's disk /health says degraded.",
)
def command(
    models: tuple[str, ...], environment: str, *, host: str, port: int, port_file: Path | None, workers: int,
    durable: bool, drain_seconds: float, most_at_once: int, score_seconds: float, log_mb: int | None,
    log_full: str, free_mb: int,
) -> None:  # fmt: skip
    """Serve each MODEL until Ctrl-C; a newly promoted version is picked up without a dropped request."""
    from ml_platform.adapters.segments import SYNC_SECONDS
    from ml_platform.serving.load import LoadLimits
    from ml_platform.serving.run import Serving, serve

    settings = load_settings()
    model, *more = dict.fromkeys(models)
    serving = Serving(
        home=settings.home, model=model, others=tuple(more), environment=environment,
        host=host, port=port, port_file=port_file,
        sync_seconds=0.0 if durable else SYNC_SECONDS, drain_seconds=drain_seconds,
        most_log_bytes=None if log_mb is None else log_mb << 20, drop_oldest=log_full == "drop-oldest",
        least_free_bytes=free_mb << 20, limits=LoadLimits(most_at_once=most_at_once, score_seconds=score_seconds),
    )  # fmt: skip
    if workers > 1:
        from ml_platform.serving.workers import serve_with_workers

        serve_with_workers(
            serving, workers, gate=lambda: guarding(settings, model, tuple(more)), defs=settings.defs,
            announce=lambda url: _say(serving, url, f"; {workers} workers"),
        )  # fmt: skip
        return
    with guarding(settings, model, tuple(more)) as gate:
        asked = "; a token is asked for" if gate.guards else ""
        serve(replace(serving, gate=gate), defs=settings.defs, announce=lambda url: _say(serving, url, asked))


def _say(serving: Serving, url: str, more: str) -> None:
    names = ", ".join([serving.model, *serving.others])
    click.echo(f"serving {names} ({serving.environment}) at {url}, docs at {url}/docs{more}; Ctrl-C ends it")


@contextlib.contextmanager
def guarding(settings: Settings, model: str, others: tuple[str, ...] = ()) -> Iterator[Gate]:
    """Yield what asks for tokens once the home has users; `open_platform` would bring what serving never needs."""
    from ml_platform.access.service_gate import ServiceGate
    from ml_platform.access.users import FileUsers
    from ml_platform.adapters.ledger import SqliteLedger
    from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
    from ml_platform.adapters.signing_keys import FileSigningKeys

    home = settings.home
    path = home / "ledger.sqlite"
    checkpoints = Checkpoints(target_of(home, settings.checkpoints), FileSigningKeys(home))
    with contextlib.closing(SqliteLedger(path, clock=_utc_now, checkpoints=checkpoints)) as ledger:
        gate = ServiceGate(
            model=model, users=FileUsers(home), ledger=ledger, clock=_utc_now, has_ledger=path.is_file, others=others
        )
        with contextlib.closing(gate):
            yield gate
