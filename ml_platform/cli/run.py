"""`ml-platform run`: a model's release job, with every gate's verdict, the report and what to do next."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.cli.crash import say_crash
from ml_platform.cli.models import load, utc_now
from ml_platform.settings import evaluated, load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.records import EvidencePart
    from ml_platform.core.verdict import Verdict
    from ml_platform.orchestration.launch import Launched
    from ml_platform.policy.load import GovernedModelFile

RELEASE_STAGES = (
    "source", "snapshot", "quarantine", "split", "features", "model", "evaluation", "release", "cost",
    "staging",
)  # fmt: skip
PROGRESS = "tuning: "


@click.command(name="run")
@click.argument("model")
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the verdicts as JUnit XML, for CI."
)
@click.option(
    "--fast", is_flag=True, help="Leave out what trains or scores the model again and again: for pull requests."
)
@click.option("--every-gate", is_flag=True, help="Name the gates of models that predict something else, too.")
def command(model: str, junit: Path | None, *, fast: bool, every_gate: bool) -> int:
    """Run MODEL from its source to staging. Exit 1: refused by a gate, 3: evidence is missing."""
    governed = load(model)
    settings = load_settings()
    click.echo(f"{model}: {governed.spec.purpose}\n")
    started = utc_now()
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.build import build_all
    from ml_platform.orchestration.launch import open_dagster

    with (
        evaluated("fast") if fast else contextlib.nullcontext(),
        open_dagster(Path.cwd(), build_all(settings)) as dagster,
    ):
        run = dagster.launch(f"{model}_release", on_step=_say_step, on_line=_say_line)
    with open_platform(settings) as platform:
        parts = _parts(platform, governed, run)
        verdicts = [verdict for part in parts for verdict in part.verdicts]
        _say_verdicts(verdicts, every=every_gate)
        if junit is not None:
            _write_junit(junit, model, verdicts)
        if "report" in run.made:
            _say_report(platform, model, refused_since="release" in run.made and not run.success)
        if run.success:
            _say_released(platform, governed, started, verdicts)
            return 0
    if run.trace:
        click.echo(f"\n✗ {model} was not released.", err=True)
        return say_crash(run.failure.partition(":")[0], run.trace)
    click.echo(f"\n✗ {model} was not released.\n{run.failure}", err=True)
    return run.exit_code


def _say_step(step: str) -> None:
    click.echo(f"  … {step.replace('__', '/')}")


def _say_line(line: str) -> None:
    """Say what long work says of its progress; verdicts are told at the end."""
    if line.startswith(PROGRESS):
        click.echo(f"      {line}")


def _parts(platform: Platform, governed: GovernedModelFile, run: Launched) -> list[EvidencePart]:
    """Return the verdicts on what this run judged, and on nothing that another run made."""
    model, policy = governed.spec.model, governed.policy.digest
    candidate = _candidate(platform, model) if "release" in run.judged else ""
    subjects = {
        **run.made,
        "quarantine": run.made.get("snapshot", ""),
        "release": candidate,
        "cost": candidate,
        "staging": candidate,
    }
    judged = (stage for stage in RELEASE_STAGES if stage in run.judged)
    found = (platform.ledger.part(model, stage, subjects.get(stage, ""), policy) for stage in judged)
    return [part for part in found if part is not None]


def _candidate(platform: Platform, model: str) -> str:
    """Return the digest of the candidate that the newest records make; empty when one is missing."""
    from ml_platform.core.records import SourceFingerprint
    from ml_platform.orchestration.records import read_record
    from ml_platform.orchestration.release_assets import UPSTREAM
    from ml_platform.stages.ingredients import Ingredients

    home = platform.home
    found: dict[str, Any] = {name: read_record(home, (model, name), kind) for name, kind in UPSTREAM.items()}
    if None in found.values():
        return ""
    source = read_record(home, (model, "source"), SourceFingerprint, found["snapshot"].source_digest)
    return "" if source is None else Ingredients(source=source, **found).candidate.digest


def _write_junit(path: Path, model: str, verdicts: list[Verdict]) -> None:
    from ml_platform.core.atomic import write_atomically
    from ml_platform.reports.junit import junit_xml

    write_atomically(path.absolute(), junit_xml(model, verdicts).encode())
    click.echo(f"\njunit: {path}")


def _say_verdicts(verdicts: list[Verdict], *, every: bool) -> None:
    from ml_platform.reports.terminal import verdict_lines

    click.echo("")
    click.echo("\n".join(verdict_lines(verdicts, every=every)))


def _say_report(platform: Platform, model: str, *, refused_since: bool) -> None:
    from ml_platform.core.records import ReportRecord
    from ml_platform.orchestration.records import read_record

    report = read_record(platform.home, (model, "report"), ReportRecord)
    if report is not None and "html" in report.files:
        click.echo(f"\nreport: {platform.home / report.files['html']}")
        if refused_since:
            click.echo("        (on the evaluation: it was written before the refusal that is told below)")


def _say_released(
    platform: Platform, governed: GovernedModelFile, started: dt.datetime, verdicts: list[Verdict]
) -> None:
    from ml_platform.reports.outcomes import warning_text

    model, approvals = governed.spec.model, governed.policy.approvals_for("production")
    live = platform.ledger.live(model, "staging")
    if live is None:
        return
    word = "released;" if live.since >= started else "unchanged: the same data, code and policy gave the same verdicts;"
    click.echo(f"\n✓ {model} v{live.version} {word} live in staging since {live.since:%Y-%m-%d %H:%M} UTC")
    warned = warning_text(verdicts)
    if warned:
        click.echo(f"! {warned}")
    name = "ml-platform" if shutil.which("ml-platform") else os.path.relpath(sys.argv[0])
    approve = f"{name} approve {model}/{live.version} --env production"
    steps = {
        f"{name} serve {model} --env staging": "score requests, docs at /docs",
        **({approve: f"by somebody else; {approvals} needed"} if approvals else {}),
        f"{name} promote {model} --env production --reason '…'": "through the promotion lock",
        f"{name} controls {model}": "the state of every control",
        "make ui": "the same in the Dagster UI",
    }
    wide = max(map(len, steps))
    click.echo("next:")
    for step, what in steps.items():
        click.echo(f"  {step:<{wide}}  # {what}")
