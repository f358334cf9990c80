"""`ml-platform plan`: how many rows and labels a model's gates need before they can reveal what the policy asks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ml_platform.cli.models import load
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.load import GovernedModelFile

MOST_LEVELS = 12


@click.command(name="plan")
@click.argument("model")
@click.option("--auc", default=0.75, show_default=True, type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
              help="Area under the ROC curve that a loss is counted from.")  # fmt: skip
def command(model: str, auc: float) -> int:
    """Say how large a batch has to be for faults of which size, and how many labels, per group, for which loss of AUC.

    Reads the newest snapshot of MODEL: its rows are the reference, its outcomes the share of positives.
    """
    governed = load(model)
    from ml_platform.adapters.platform import open_platform
    from ml_platform.core.records import SnapshotRecord
    from ml_platform.orchestration.records import read_record
    from ml_platform.stages.snapshot import read_rows

    with open_platform(load_settings()) as platform:
        snapshot = read_record(platform.home, (model, "snapshot"), SnapshotRecord)
        if snapshot is None:
            click.echo(
                f"{model}: no snapshot was taken yet; one is needed; `ml-platform run {model}` takes it", err=True
            )
            return 2
        rows = read_rows(governed.spec, platform.store, snapshot)
    click.echo("\n".join([*_batches(governed, len(rows)), "", *_labels(governed, rows, auc)]))
    return 0


def _batches(governed: GovernedModelFile, reference_rows: int) -> Iterator[str]:
    from ml_platform.stages.plan import BATCHES, plan_batches

    yield f"New rows against a reference of {reference_rows:,}: the smallest share of faulty rows revealed (80 % power)"
    yield f"  {'gate':<32}" + "".join(f"{batch:>9,}" for batch in BATCHES) + "   asked → rows needed"
    for one in plan_batches(governed, reference_rows):
        cells = "".join(f"{_share(one.smallest[batch]):>9}" for batch in BATCHES)
        needed = "never: the reference is too small" if one.rows_needed is None else f"{one.rows_needed:,}"
        yield f"  {one.gate:<32}{cells}   " + (f"{one.asked:g} → {needed}" if one.asked else "-")


def _share(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "none"


def _labels(governed: GovernedModelFile, rows: pd.DataFrame, auc: float) -> Iterator[str]:
    from ml_platform.stages.plan import AUC_LOSSES, plan_labels

    task = governed.spec.learner.task
    if task != "binary":
        yield f"No count of labels: it is planned for a loss of AUC, and {task} models have none"
        return
    yield f"Labels to reveal a loss of AUC from {auc:g} (80 % power, two-sided 95 %)"
    yield f"  {'':<32}{'positives':>10}" + "".join(f"{loss:>12g}" for loss in AUC_LOSSES)
    shares = dict(_shares(governed, rows))
    found = {(one.subject, one.loss): one.labels for one in plan_labels(auc, shares)}
    for subject, share in shares.items():
        cells = (found[subject, loss] for loss in AUC_LOSSES)
        told = "".join(f"{'never' if count is None else format(count, ','):>12}" for count in cells)
        yield f"  {subject or 'all rows':<32}{share:>10.3f}{told}"


def _shares(governed: GovernedModelFile, rows: pd.DataFrame) -> Iterator[tuple[str, float]]:
    from ml_platform.stages.plan import groups_of

    outcome = rows[governed.spec.target].astype(float)
    yield "", float(outcome.mean())
    for name in groups_of(governed):
        if rows[name].nunique() <= MOST_LEVELS:
            for place, (_, of_group) in enumerate(outcome.groupby(rows[name].astype(str))):
                yield f"{name} {place + 1}", float(of_group.mean())
