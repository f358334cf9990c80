"""Handing on: a stage's products as Dagster's results with their verdicts, and the refusal when a gate is closed."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.core.digest import short
from ml_platform.core.errors import NotEnoughEvidence, PlatformError
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.orchestration.at_work import at_work
from ml_platform.orchestration.desk import Desk
from ml_platform.orchestration.gates import (
    check_results,
    gate_table,
    gates_in_words,
    measurement_table,
    refusal,
    verdict_line,
)
from ml_platform.orchestration.wiring import asset_key
from ml_platform.settings import load_settings
from ml_platform.stages.guard import end_process

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.orchestration.run_stage import Judged
    from ml_platform.policy.load import GovernedModelFile

EXIT_CODE = "exit code"
REFUSED = 1
WATCHING = frozenset({"traffic", "monitoring", "feedback", "health"})
# Numbers that stand on the asset's page by themselves: Dagster plots them over runs and months.
PLOTTED = frozenset(
    {
        "roc_auc", "brier", "expected_calibration_error", "baseline_gain", "mean_absolute_error", "bias",
        "pinball_loss", "multiclass_log_loss", "class_accuracy", "loss_against_constant", "contract_violations_share",
        "quarantined_share", "scoring_latency_p99_seconds", "service_latency_p99_seconds", "predictions", "error_share",
        "label_share", "live_roc_auc", "live_roc_auc_change", "live_calibration_bias", "live_loss_change",
        "score_psi", "estimated_roc_auc", "estimated_accuracy", "label_delay_days",
    }
)  # fmt: skip
Metadata = Mapping[str, Any]
Running = dg.AssetExecutionContext | dg.OpExecutionContext
Results = Iterator[dg.MaterializeResult[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One asset's new record with what was measured and judged on it; `version` names its content.

    `done` says in one word what was done to it; an unchanged one says that instead. `headline` is what a person reads
    first, `spent` what the step took, `window` the partition that it is of.
    """

    name: str
    record: object
    version: str
    unchanged: bool = False
    done: str = "made"
    measurements: Sequence[Measurement] = ()
    verdicts: Sequence[Verdict] = ()
    metadata: Metadata = field(default_factory=dict)
    headline: Metadata = field(default_factory=dict)
    spent: Metadata = field(default_factory=dict)
    window: str = ""


def product(name: str, judged: Judged[Any], metadata: Metadata, *, headline: Metadata | None = None) -> Product:
    """Return what a judged stage hands on."""
    return Product(
        name=name,
        record=judged.record,
        version=judged.record.digest,
        unchanged=judged.unchanged,
        measurements=judged.measurements,
        verdicts=judged.verdicts,
        metadata=metadata,
        headline=headline or {},
    )


@contextlib.contextmanager
def at_desk(context: dg.AssetExecutionContext, file: GovernedModelFile) -> Iterator[Desk]:
    """Open the platform for a step and limit it; an error that a person can act on fails it with its own words."""
    from ml_platform.adapters.platform import open_platform

    now, run_id, say = dt.datetime.now(tz=dt.UTC), context.run.run_id, context.log.info
    stage = context.op_def.name.removeprefix(f"{file.spec.model}__")
    with (
        explained(),
        open_platform(load_settings()) as opened,
        acting(opened, context, file, stage) as platform,
        at_work(
            file, stage, log=platform.spent, run_id=run_id, now=now, say=say, end=functools.partial(_end, context)
        ) as work,
    ):
        yield Desk(file=file, platform=platform, now=now, run_id=run_id, say=say, work=work)


@contextlib.contextmanager
def acting(platform: Platform, context: Running, file: GovernedModelFile, stage: str) -> Iterator[Platform]:
    """Yield the platform in the name of who acts in this run; raises Denied where there are users and they may not."""
    from ml_platform.access.in_run import Step, actor_of

    run = context.run
    step = Step(model=file.spec.model, stage=stage, run_id=run.run_id, tags=run.tags)
    name = actor_of(platform.settings, platform.ledger, step, now=dt.datetime.now(tz=dt.UTC))
    yield replace(platform, settings=replace(platform.settings, actor=name))


def _end(context: dg.AssetExecutionContext, text: str) -> None:
    """End a run's process, having told Dagster why, as far as it listens."""
    try:
        context.instance.report_run_failed(context.run, text)
    finally:
        end_process(text)


def failed(text: str, exit_code: int) -> dg.Failure:
    """Return a step's failure in words, with the exit code that it deserves on a command line."""
    return dg.Failure(description=text, metadata={EXIT_CODE: exit_code}, allow_retries=False)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Fail with a platform error's own words."""
    try:
        yield
    except PlatformError as error:
        raise failed(str(error), error.exit_code) from None


def hand_on(
    context: dg.AssetExecutionContext, desk: Desk, products: Sequence[Product], *, hints: Sequence[str] = ()
) -> Results:
    """Yield every product with all of its verdicts, then fail, in words, if a blocking gate is closed."""
    spent = what_it_took(desk, products)
    window = context.partition_key if context.has_partition_key else ""
    for made in products:
        _log(context, made)
        yield materialized(desk.model, replace(made, spent=spent, window=window))
    judged = [verdict for made in products for verdict in made.verdicts]
    if any(verdict.closes for verdict in judged):
        raise refused_at(desk, products[0].name, judged, hints=hints)


def what_it_took(desk: Desk, products: Sequence[Product]) -> Metadata:
    """End the step's work: its limits are lifted, and what it took is written down and returned as numbers to plot."""
    if desk.work is None:
        return {}
    # The first product is the stage's own; a report may be written anew about what was remembered.
    remembered = bool(products) and products[0].unchanged
    rows = next((rows for made in products if (rows := rows_of(made.record)) is not None), None)
    return desk.work.metadata(desk.work.finish("remembered" if remembered else "worked", rows=rows))


def rows_of(record: object) -> int | None:
    """Return how many rows a record is about, if it says so."""
    rows = getattr(record, "rows", None)
    if isinstance(rows, Mapping):
        return sum(rows.values())
    return rows if isinstance(rows, int) else None


def refused_at(desk: Desk, stage: str, verdicts: Sequence[Verdict], *, hints: Sequence[str] = ()) -> dg.Failure:
    """Return the failure that says which gates are closed; Dagster prints it where the step and where the run ends."""
    word = "ALARM" if stage in WATCHING else "REFUSED"
    text = refusal(desk.policy, f"{desk.model}: {word} at {stage}", verdicts, hints=hints)
    undecided = all(one.outcome is Outcome.UNDECIDED for one in verdicts if one.closes)
    return failed(text, NotEnoughEvidence.exit_code if undecided else REFUSED)


def materialized(model: str, made: Product) -> dg.MaterializeResult[Any]:
    """Return a product as Dagster's result."""
    key = asset_key(model, made.name)
    return dg.MaterializeResult(
        asset_key=key,
        value=made.record,
        data_version=dg.DataVersion(made.version),
        metadata=described(made),
        check_results=check_results(made.verdicts, key, window=made.window),
    )


def described(made: Product) -> dict[str, Any]:
    """Return the metadata of a product: what to read first, the verdicts in words, its own, tables, its digest last."""
    found: dict[str, Any] = dict(made.headline)
    found |= {"verdicts": gates_in_words(made.verdicts)} if made.verdicts else {}
    found |= made.metadata
    found |= {
        one.metric: float(f"{one.value:.5g}")
        for one in made.measurements
        if one.metric in PLOTTED and one.value is not None
    }
    if made.verdicts:
        found["gates"] = dg.MetadataValue.md(gate_table(made.verdicts))
    if made.measurements:
        found["measurements"] = dg.MetadataValue.md(measurement_table(made.measurements))
    return {**found, **made.spent, "unchanged": dg.MetadataValue.bool(made.unchanged), "digest": made.version}


def _log(context: dg.AssetExecutionContext, made: Product) -> None:
    """Say all verdicts in one message: each message is a write to the event log."""
    word = "unchanged" if made.unchanged else made.done
    lines = [f"{made.name}: {word} {short(made.version)}, {len(made.verdicts)} gates judged"]
    lines += [f"    {verdict_line(verdict)}" for verdict in made.verdicts]
    opens = all(verdict.outcome.opens for verdict in made.verdicts)
    (context.log.info if opens else context.log.warning)("\n".join(lines))
