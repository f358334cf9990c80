"""`ml-platform web`: the Dagster UI for persons who sign in."""

from __future__ import annotations

from pathlib import Path

import click

from ml_platform.settings import load_settings


@click.command(name="web")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=3000, show_default=True, help="0: any free one.")
@click.option("--https", is_flag=True, help="A proxy in front speaks TLS: cookies go over TLS only.")
@click.option("--daemon/--no-daemon", default=True, show_default=True, help="Also run Dagster's daemon, once per home.")
def command(host: str, port: int, *, https: bool, daemon: bool) -> None:
    """Serve the Dagster UI behind sign-in and roles until Ctrl-C. There have to be users."""
    from ml_platform.access.web import Web, open_door, run_web
    from ml_platform.adapters.platform import open_platform

    settings = load_settings()
    web = Web(
        home=settings.home, root=Path.cwd(), host=host, port=port, https=https, daemon=daemon,
        mlflow_uri=settings.mlflow_uri,
    )  # fmt: skip
    with open_platform(settings) as platform:
        door = open_door(platform.home, platform.ledger, https=https)
        if not https and host not in {"127.0.0.1", "::1", "localhost"}:
            click.echo(f"! {host} without TLS: passwords and cookies can be read on the way; see --https", err=True)
        run_web(web, door, announce=lambda url: click.echo(f"the UI is at {url}; sign in there; Ctrl-C ends it"))
