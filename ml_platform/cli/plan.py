"""`ml-platform plan`: how many rows and labels a model's gates need before they can reveal what the policy asks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, assert_never

import click

from ml_platform.cli.models import load
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.core.records import EvaluationRecord, SnapshotRecord
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.stages.label_ground import LabelGround
    from ml_platform.stages.plan import LabelPlan

ALL = "all rows"


@click.command(name="plan")
@click.argument("model")
@click.option("--auc", default=0.75, show_default=True, type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
              help="Area under the ROC curve that a loss is counted from.")  # fmt: skip
def command(model: str, auc: float) -> int:
    """Say how large a batch has to be for faults of which size, and how many labels, per group, for which change.

    A change is a loss of AUC (two classes, or each of several) or a growth of the mean loss (several classes, numbers).
    Reads the newest snapshot of MODEL, and the newest model's losses where there is one.
    """
    governed = load(model)
    from ml_platform.adapters.platform import open_platform
    from ml_platform.core.records import SnapshotRecord
    from ml_platform.orchestration.records import read_record
    from ml_platform.stages.label_ground import LabelGround
    from ml_platform.stages.snapshot import read_rows

    with open_platform(load_settings()) as platform:
        snapshot = read_record(platform.home, (model, "snapshot"), SnapshotRecord)
        if snapshot is None:
            click.echo(
                f"{model}: no snapshot was taken yet; one is needed; `ml-platform run {model}` takes it", err=True
            )
            return 2
        rows = read_rows(governed.spec, platform.store, snapshot)
        evaluation = _evaluation(platform.home, model, snapshot)
        ground = LabelGround(spec=governed.spec, rows=rows, store=platform.store, evaluation=evaluation)
        click.echo("\n".join([*_batches(governed, len(rows)), "", *_labels(ground, auc)]))
    return 0


def _evaluation(home: Path, model: str, snapshot: SnapshotRecord) -> EvaluationRecord | None:
    """Return the newest evaluation when it is of this snapshot's rows."""
    from ml_platform.core.records import EvaluationRecord, SplitRecord
    from ml_platform.orchestration.records import read_record

    found = read_record(home, (model, "evaluation"), EvaluationRecord)
    split = read_record(home, (model, "split"), SplitRecord)
    ours = found and split and (found.split_digest, split.snapshot_digest) == (split.digest, snapshot.digest)
    return found if ours else None


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


def _labels(ground: LabelGround, auc: float) -> Iterator[str]:
    """Say the labels for what the model's monitoring looks at: a loss of AUC, a growth of the loss, or both."""
    match ground.spec.learner.task:
        case "binary":
            yield from _of_auc(ground, auc, "positives")
        case "multiclass":
            yield from _of_losses(ground)
            yield ""
            yield from _of_auc(ground, auc, "share")
        case "regression" | "quantile":
            yield from _of_losses(ground)
        case task:
            assert_never(task)


def _of_auc(ground: LabelGround, auc: float, share: str) -> Iterator[str]:
    from ml_platform.stages.plan import AUC_LOSSES, plan_labels

    against = "" if share == "positives" else " of a class against the rest"
    yield f"Labels to reveal a loss of AUC{against} from {auc:g} (80 % power, two-sided 95 %)"
    shares = dict(_class_shares(ground) if against else _shares(ground))
    width = _width(shares)
    yield f"  {'':<{width}}{share:>10}" + "".join(f"{loss:>12g}" for loss in AUC_LOSSES)
    counts = _by_subject(plan_labels(auc, shares))
    for subject, found in shares.items():
        yield f"  {subject:<{width}}{found:>10.3f}{counts[subject]}"


def _of_losses(ground: LabelGround) -> Iterator[str]:
    from ml_platform.stages.plan import GROWTHS, plan_losses

    planned = ground.losses()
    losses = {ALL: planned.values}
    for name, of_group in ground.groups():
        losses[name] = planned.values[of_group[planned.places]]
    yield f"Labels to reveal that the mean loss grew (80 % power, two-sided 95 %), by the losses of {planned.of}"
    width = _width(losses)
    yield f"  {'':<{width}}{'mean loss':>10}" + "".join(f"{f'{100 * growth:g} %':>12}" for growth in GROWTHS)
    counts = _by_subject(plan_losses(losses))
    for subject, found in losses.items():
        mean = f"{found.mean():.4g}" if found.size else "-"
        yield f"  {subject:<{width}}{mean:>10}{counts[subject]}"


def _by_subject(plans: Iterable[LabelPlan]) -> dict[str, str]:
    """Return each subject's counts as the rest of its line."""
    lines: dict[str, str] = {}
    for one in plans:
        count = "never" if one.labels is None else f"{one.labels:,}"
        lines[one.subject] = lines.get(one.subject, "") + f"{count:>12}"
    return lines


def _width(subjects: Iterable[str]) -> int:
    return max(32, *(len(subject) + 2 for subject in subjects))


def _shares(ground: LabelGround) -> Iterator[tuple[str, float]]:
    outcome = ground.outcome
    yield ALL, float(outcome.mean())
    for name, of_group in ground.groups():
        yield name, float(outcome[of_group].mean())


def _class_shares(ground: LabelGround) -> Iterator[tuple[str, float]]:
    """Yield each class's share of all rows, and in each group that of its rarest class: it needs most labels."""
    import numpy as np

    classes = ground.spec.classes
    yield from ((name, float((ground.outcome == code).mean())) for code, name in enumerate(classes))
    for name, of_group in ground.groups():
        counts = np.bincount(ground.outcome[of_group].astype(np.intp), minlength=len(classes))
        rarest = int(counts.argmin())
        yield f"{name}, {classes[rarest]}", float(counts[rarest] / counts.sum())
