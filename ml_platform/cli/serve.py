"""`ml-platform serve`: serve what is live in an environment over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from ml_platform.settings import load_settings


@click.command(name="serve")
@click.argument("model")
@click.option("--env", "environment", default="production", show_default=True, help="staging or production.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, help="0: any free one.")
@click.option(
    "--port-file", type=click.Path(path_type=Path), help="Where to write the port once requests are accepted."
)
def command(model: str, environment: str, host: str, port: int, port_file: Path | None) -> None:
    """Serve MODEL until Ctrl-C; a newly promoted version is picked up without a dropped request."""
    from ml_platform.serving.run import Serving, serve

    settings = load_settings()
    serving = Serving(
        home=settings.home, model=model, environment=environment, host=host, port=port, port_file=port_file
    )
    serve(
        serving,
        defs=settings.defs,
        announce=lambda url: click.echo(
            f"serving {model} ({environment}) at {url}, docs at {url}/docs; Ctrl-C ends it"
        ),
    )
