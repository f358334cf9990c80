"""`ml-platform changes`: what is new in a version, in plain words."""

from __future__ import annotations

import click

from ml_platform.cli.models import find_release
from ml_platform.core.errors import DataInvalid
from ml_platform.settings import load_settings


@click.command(name="changes")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option(
    "--since", default=None, help="The earlier version (default: the champion of its release, else the last)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for other programs.")
def command(reference: str, *, since: str | None, as_json: bool) -> int:
    """Say what a version changes: data, features, parameters, environment, policy, and the effect with intervals.

    Everything comes from what was recorded when the versions were made; what is missing is named. Exit 3 then.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.reports.change_log import change_log_markdown
    from ml_platform.stages.changes import changes_between, earlier_version

    with open_platform(load_settings()) as platform:
        release = find_release(platform, reference)
        if since is None:
            earlier = earlier_version(platform.store, platform.ledger, release)
        else:
            earlier = find_release(platform, since if "/" in since or "@" in since else f"{release.model}/{since}")
        if earlier is not None and earlier.model != release.model:
            message = f"{since}: is a version of {earlier.model}; one of {release.model} is needed; name one"
            raise DataInvalid(message)
        log = changes_between(platform.store, platform.ledger, release, earlier)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(log), indent=1).decode())
    else:
        click.echo(change_log_markdown(log), nl=False)
    return 3 if any(topic.missing for topic in log.topics if topic.topic != "effect") else 0
