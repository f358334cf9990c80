"""`ml-platform check`: are the model files and packs acceptable? Every problem with file and line."""

from __future__ import annotations

import sys

import click

from ml_platform.cli.models import defs_folder, model_path, utc_now
from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, PolicyInvalid
from ml_platform.settings import load_settings


@click.command(name="check")
@click.argument("models", nargs=-1)
def command(models: tuple[str, ...]) -> None:
    """Check the files of MODELS (default: all); exit 2 when one is broken, the others are still checked."""
    from ml_platform.policy.conditions import conditions_of, of_another_task
    from ml_platform.policy.load import discover, load_model
    from ml_platform.stages.pseudonymise import direct_columns

    settings = load_settings()
    paths = [model_path(settings, name) for name in models] or discover(defs_folder(settings))
    if not paths:
        message = f"{defs_folder(settings)}: holds no model; a model is a folder with a defs.yaml and a features.py"
        raise DataInvalid(message)
    broken = 0
    for path in paths:
        try:
            found = load_model(path, now=utc_now())
        except PolicyInvalid as error:
            broken += 1
            count = len(error.problems)
            click.echo(f"✗ {path.parent.name}: broken, {count} problem{'s' if count > 1 else ''}")
            click.echo("\n".join(f"    {problem}" for problem in error.problems))
            continue
        conditions = frozenset[str](conditions_of(found.spec))
        gates = [gate for gate in found.policy.gates.values() if not of_another_task(gate, conditions)]
        blocking = sum(gate.severity == "block" for gate in gates)
        click.echo(
            f"✓ {found.spec.model}: {found.spec.risk_class.value} risk, {len(found.spec.contract)} columns, "
            f"{len(gates)} gates ({blocking} blocking), policy {short(found.policy.digest)}"
        )
        nobody = direct_columns(found.spec) if found.spec.entity is None else ()
        if nobody:
            naming = f"{', '.join(nobody)} {'names' if len(nobody) == 1 else 'name'} a person"
            click.echo(
                f"    ! {naming}, and no column has the role entity: nobody can be forgotten; give it to the column "
                "that says whose row it is"
            )
    if broken:
        others = "; the others load as usual" if broken < len(paths) else ""
        click.echo(f"{broken} of {len(paths)} model files {'is' if broken == 1 else 'are'} broken{others}.", err=True)
        sys.exit(2)
