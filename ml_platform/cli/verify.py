"""`ml-platform verify`: a release's signed evidence, checked offline with nothing but public keys."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(name="verify")
@click.argument("bundle", type=FILE)
@click.option(
    "--keys", "keys", type=FILE, required=True, help="Public keys (`ml-platform keys public`), kept elsewhere."
)
@click.option("--model", "folder", type=FOLDER, default=None, help="A folder with the model's files, to check as well.")
def command(bundle: Path, keys: Path, folder: Path | None) -> int:
    """Check a signed bundle: signatures, digests, and that every verdict follows. Exit 1: something is wrong."""
    from ml_platform.adapters.public_keys import read_public_keys
    from ml_platform.core.digest import short
    from ml_platform.core.errors import DataInvalid
    from ml_platform.stages.attested import attested_problems, read_attested
    from ml_platform.stages.verify_bundle import model_problems

    verifier, content = read_public_keys(keys), bundle.read_bytes()
    try:
        attested = read_attested(content, verifier, str(bundle))
        problems = attested_problems(attested) + (model_problems(content, folder) if folder else [])
    except DataInvalid as error:
        click.echo(f"✗ {error}", err=True)
        return 1
    for problem in problems:
        click.echo(f"✗ {problem}", err=True)
    if problems:
        return 1
    evidence, making = attested.evidence, attested.making
    click.echo(
        f"✓ {evidence.candidate.model}: model {short(evidence.candidate.model_digest)}, policy "
        f"{short(evidence.policy_digest)}; trained by {evidence.trained_by}, released by {making.released_by} on "
        f"{evidence.made_at:%Y-%m-%d %H:%M} UTC; {len(evidence.verdicts)} verdicts follow from what was measured"
    )
    return 0
