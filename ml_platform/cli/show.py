"""`ml-platform show`: everything that makes a version, and where it is live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.access.actions import Action
from ml_platform.cli.decide import acting
from ml_platform.cli.models import find_release
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.ports import Rejection
    from ml_platform.core.records import DeploymentRecord, ReleaseRecord


@click.command(name="show")
@click.argument("reference", metavar="MODEL[/VERSION|@ENV]")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the model's files, unsealed, and its signed evidence into a new folder, for an auditor.",
)
def command(reference: str, folder: Path | None) -> None:
    """Show a version (default: the newest): data, code, parameters, environment, evidence, deployments."""
    from ml_platform.adapters.platform import open_platform
    from ml_platform.stages.evidence import read_evidence

    with open_platform(load_settings()) as platform:
        release = find_release(platform, reference)
        if folder is not None:
            _export(platform, release, folder)
            return
        candidate = release.candidate
        released = f"{release.released_at:%Y-%m-%d %H:%M} UTC by {release.released_by}"
        click.echo(f"{release.model} v{release.version}, released {released}")
        for name in (
            "snapshot", "split", "features", "code", "parameters", "environment", "model", "evaluation",
        ):  # fmt: skip
            click.echo(f"  {name:<12} {getattr(candidate, f'{name}_digest')}")
        click.echo(f"  {'git commit':<12} {candidate.git_commit}")
        click.echo(f"  {'policy':<12} {release.policy_digest}")
        click.echo(f"  {'evidence':<12} {release.evidence_digest}")
        click.echo(f"  {'signed':<12} {release.bundle_digest or 'no: release again'}")
        barred = platform.ledger.barred(release.model).get(release.version)
        if barred:
            click.echo(f"  barred: {barred}")
        for environment in ("staging", "production"):
            live = platform.ledger.live(release.model, environment)
            if live and live.version == release.version:
                click.echo(
                    f"  live in {environment} since {live.since:%Y-%m-%d %H:%M} UTC by {live.actor}: {live.reason}"
                )
            for said in platform.ledger.rejections(release.model, release.version, environment):
                _say_rejected(said)
            _say_refusal(platform, release, environment, live)
        evidence = read_evidence(platform.store, release.evidence_digest)
    click.echo(f"  verdicts ({len(evidence.verdicts)}, trained by {evidence.trained_by}):")
    for verdict in evidence.verdicts:
        seen = verdict.worst.text() if verdict.worst else verdict.reason
        click.echo(f"    {verdict.outcome.value:<14} {verdict.stage:<11} {verdict.gate:<38} {seen}")


def _say_rejected(said: Rejection) -> None:
    on = f"{said.given_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"  rejected for {said.environment} on {on} by {said.rejected_by}: {said.reason}")
    if said.withdrawal is not None:
        withdrawn = said.withdrawal
        on = f"{withdrawn.given_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"    withdrawn on {on} by {withdrawn.withdrawn_by}: {withdrawn.reason}")


def _say_refusal(platform: Platform, release: ReleaseRecord, environment: str, live: DeploymentRecord | None) -> None:
    """Say that the lock's newest word on an environment was a refusal of this version."""
    said = platform.ledger.last("promotion_refused", subject=f"{release.model}@{environment}")
    if said is None or said.payload.get("version") != release.version or (live is not None and live.since >= said.at):
        return
    click.echo(f"  refused for {environment} on {said.at:%Y-%m-%d %H:%M} UTC ({said.payload['outcome']}):")
    reasons = said.payload["reasons"]
    for reason in reasons if isinstance(reasons, list | tuple) else ():
        click.echo(f"    - {reason}")


def _export(platform: Platform, release: ReleaseRecord, folder: Path) -> None:
    """Write a version out as plain files; who did is in the audit, as what is sealed at home isn't there."""
    from ml_platform.cli.models import utc_now
    from ml_platform.stages.export import export_version

    person = acting(platform, Action.READ_AUDIT, release.model, by=None)
    model = export_version(platform.store, release, folder)
    what = {"version": release.version, "model_digest": release.candidate.model_digest}
    platform.ledger.append("model_exported", actor=person, subject=release.model, payload=what, at=utc_now())
    click.echo(f"✓ {folder}: {release.model} v{release.version}, unsealed: keep it as the data it was made of")
    if release.bundle_digest:
        click.echo(f"  ml-platform verify {folder}/bundle.intoto.jsonl --keys public.json --model {model}")
