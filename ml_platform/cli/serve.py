"""`ml-platform serve`: serve what is live in an environment over HTTP."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.core.gate import Gate
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
def command(models: tuple[str, ...], environment: str, host: str, port: int, port_file: Path | None) -> None:
    """Serve each MODEL until Ctrl-C; a newly promoted version is picked up without a dropped request."""
    from ml_platform.serving.run import Serving, serve

    settings = load_settings()
    model, *more = dict.fromkeys(models)
    with guarding(settings, model, tuple(more)) as gate:
        serving = Serving(
            home=settings.home, model=model, environment=environment, host=host, port=port, port_file=port_file,
            gate=gate, others=tuple(more),
        )  # fmt: skip
        asked = "; a token is asked for" if gate.guards else ""
        names = ", ".join([model, *more])
        serve(
            serving,
            defs=settings.defs,
            announce=lambda url: click.echo(
                f"serving {names} ({environment}) at {url}, docs at {url}/docs{asked}; Ctrl-C ends it"
            ),
        )


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
