"""`ml-platform test`: the tests of a model's features module, the platform's and the team's own."""

from __future__ import annotations

from pathlib import Path

import click

from ml_platform.cli.models import load
from ml_platform.core.code_tests import Tried
from ml_platform.core.errors import NotEnoughEvidence
from ml_platform.settings import load_settings


@click.command(name="test")
@click.argument("model")
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the outcomes as JUnit XML, for CI."
)
def command(model: str, junit: Path | None) -> int:
    """Try MODEL's features module as a release would, and say what came of each test; nothing is released.

    Real rows are those of the newest snapshot, or of the source. Exit 1: a test failed, 3: one couldn't be tried.
    """
    governed = load(model)
    from ml_platform.adapters.platform import open_platform
    from ml_platform.core.atomic import write_atomically
    from ml_platform.core.records import SnapshotRecord, SplitRecord
    from ml_platform.orchestration.records import read_record
    from ml_platform.reports.code_junit import code_junit_xml
    from ml_platform.reports.code_tests import code_test_lines
    from ml_platform.stages.code_tests.try_code import try_on
    from ml_platform.stages.faults.rows import rows_to_try
    from ml_platform.stages.features_module import load_features

    load_features(governed.spec)  # a module that isn't there needs no rows to say so
    with open_platform(load_settings()) as platform:
        snapshot = read_record(platform.home, (model, "snapshot"), SnapshotRecord)
        split = read_record(platform.home, (model, "split"), SplitRecord)
        rows = rows_to_try(governed.spec, platform.store, snapshot, split, None)
    record = try_on(governed.spec, rows.drawn_from)
    click.echo("\n".join(code_test_lines(record)))
    if junit is not None:
        write_atomically(junit.absolute(), code_junit_xml(record).encode())
    outcomes = {test.outcome for test in record.tests}
    if Tried.FAILED in outcomes:
        return 1
    return NotEnoughEvidence.exit_code if Tried.UNTRIED in outcomes else 0
