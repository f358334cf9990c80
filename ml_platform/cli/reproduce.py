"""`ml-platform reproduce`: make a version again from its record and say whether it is the same, to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import find_release, load
from ml_platform.core.errors import PlatformError
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.records import ReleaseRecord
    from ml_platform.stages.reproduce import Kept, Present, Way


@click.command(name="reproduce")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option(
    "--with",
    "which",
    type=click.Choice(["record", "current"]),
    default="record",
    show_default=True,
    help="What is run: the recorded model file, features and platform code, or those of now on the source of now.",
)
@click.option(
    "--fresh-environment", "fresh", is_flag=True, help="Build an environment from the recorded lock file first."
)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(reference: str, *, which: str, fresh: bool, as_json: bool) -> int:
    """Make a version (default: the newest) again in a fresh process and compare it with its record, stage by stage.

    Nothing is written to the ledger, the tracker or the stores. Exit 1 when a stage differs or fails.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.reports.reproduction import reproduction_lines
    from ml_platform.stages.reproduce import read_version, reproduce

    with open_platform(load_settings()) as platform:
        release = find_release(platform, reference)
        kept = read_version(platform.store, platform.ledger, release)
        way = _way(platform, release, which)
        way = _fresh(platform, kept, way) if fresh else way
        found = reproduce(kept, way, store=platform.store)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo("\n".join(reproduction_lines(found)))
    return 0 if found.identical else 1


def _way(platform: Platform, release: ReleaseRecord, which: str) -> Way:
    from ml_platform.stages.reproduce import Way

    with_present = which == "current"
    present = None
    try:
        present = _present(release.model)
    except PlatformError:  # a model file that is broken by now is no part of a record
        if with_present:
            raise
    erased = bool(platform.vault.forgotten(release.model))
    return Way(present=present, with_present=with_present, erased=erased)


def _fresh(platform: Platform, kept: Kept, way: Way) -> Way:
    from dataclasses import replace

    from ml_platform.stages.fresh_environment import fresh_python

    python = fresh_python(kept.environment, kept.lock, home=platform.home)
    return replace(way, python=str(python), environment="a fresh one, built from the recorded lock file")


def _present(model: str) -> Present:
    from ml_platform.stages.features_module import code_files, load_features
    from ml_platform.stages.reproduce import Present

    spec = load(model).spec
    return Present(spec=spec.model_dump(mode="json"), code=code_files(load_features(spec)))
