"""`ml-platform improve`: what would help a model most, by what is on record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import load
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.core.improvement import Improvement

AGREES = {True: "✓", False: "✗", None: "?"}


@click.command(name="improve")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(model: str, *, as_json: bool) -> int:
    """Say what would help MODEL most, and how far its releases kept what they promised; nothing is measured anew."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.improving import improvement_of

    spec = load(model).spec
    with open_platform(load_settings()) as platform:
        found = improvement_of(platform, spec)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo("\n".join(_lines(found)))
    return 0


def _lines(found: Improvement) -> Iterator[str]:
    from ml_platform.reports.improvement_rows import kept_text, saving_text
    from ml_platform.reports.plain_text import one_line

    yield f"{found.model}: what would help most"
    for number, one in enumerate(found.advice, 1):
        yield f"{number:>4}  {one_line(one.what)}"
        yield f"      {one_line(one.why)} (n = {one.n:,}); {saving_text(one)}"
    if not found.advice:
        yield "      nothing on record says that anything would"
    if found.kept:
        yield f"\nwhat releases promised: {kept_text(found)}"
    for kept in found.kept:
        said = f"v{kept.version} {kept.of}: promised {kept.promised}; came true {kept.came_true}"
        yield f"   {AGREES[kept.agrees]}  {said}"
    for words in found.missing:
        yield f"   ?  {words}"
