"""`ml-platform doctor`: make a model again and again, and say what isn't the same every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import load
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.rebuild import Order


@click.command(name="doctor")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(model: str, *, as_json: bool) -> int:
    """Make MODEL, as it is now, twice in one process, then in another, with other threads and another hash seed.

    Says which of these changes what is made, at which stage first, and which lines of the features module may be why.
    Nothing is written to the ledger, the tracker or the stores. Exit 1 when anything differs.
    """
    from ml_platform.adapters.platform import open_platform
    from ml_platform.reports.diagnosis import diagnosis_lines
    from ml_platform.stages.doctor import examine
    from ml_platform.stages.features_module import code_files, load_features
    from ml_platform.stages.rebuild_process import Kitchen

    spec = load(model).spec
    code = code_files(load_features(spec))
    with open_platform(load_settings()) as platform:
        order = _order(platform, spec)
        stored = (("snapshots", order.snapshot.digest),) if order.snapshot else ()
        found = examine(order, Kitchen(code=code, artefacts=stored), model=model, store=platform.store)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo("\n".join(diagnosis_lines(found)))
    return 0 if found.deterministic else 1


def _order(platform: Platform, spec: ModelSpec) -> Order:
    """Order a making from the source; from the newest snapshot where only this home can make the tokens of persons.

    Nothing is searched: a model that is tuned is made with what its newest study chose, else as its file has it.
    """
    from ml_platform.core.records import SnapshotRecord, TuningRecord
    from ml_platform.orchestration.records import read_record
    from ml_platform.stages.pseudonymise import direct_columns
    from ml_platform.stages.rebuild import Order
    from ml_platform.stages.tuned import settle

    study = read_record(platform.home, (spec.model, "tuning"), TuningRecord) if spec.tuning else None
    order = Order(
        spec=settle(spec, study.parameters if study else {}).model_dump(mode="json"),
        as_of=spec.source.as_of,
        commit="not asked for",
    )
    if not direct_columns(spec):
        return order
    import dataclasses

    newest = read_record(platform.home, (spec.model, "snapshot"), SnapshotRecord)
    why = "columns name persons"
    return dataclasses.replace(order, source="stored", why_stored=why, snapshot=newest)
