"""The data's assets: source (observed), snapshot and quarantine, split, features.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.code_tests import CodeTestsRecord
from ml_platform.core.measured import Measured
from ml_platform.core.records import FeaturesRecord, QuarantineRecord, SnapshotRecord, SplitRecord
from ml_platform.orchestration.asked import why_asked
from ml_platform.orchestration.automation import source_condition
from ml_platform.orchestration.findings import findings_metadata
from ml_platform.orchestration.gates import check_specs
from ml_platform.orchestration.hand_on import Product, Results, at_desk, hand_on, product
from ml_platform.orchestration.records import RECORDS_KEY, keep_record
from ml_platform.orchestration.run_stage import Task, judge_stage, judged, recall_or_work
from ml_platform.orchestration.tables import (
    counts,
    facts_text,
    features_lineage,
    features_schema,
    parts_table,
    snapshot_lineage,
    snapshot_schema,
    source_tables,
    when,
)
from ml_platform.orchestration.taking import moment, note_request, take_judged
from ml_platform.orchestration.testing_code import code_tests_of, junit_path
from ml_platform.orchestration.wiring import Output, asset_key, described, owner_of, tags_of, wire

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Table

SNAPSHOT = Output(
    name="snapshot",
    record=SnapshotRecord,
    kinds=frozenset({"parquet", "table"}),
    about="The rows that keep the contract, as an immutable table named by its content.",
)
QUARANTINE = Output(
    name="quarantine",
    record=QuarantineRecord,
    kinds=frozenset({"parquet", "table"}),
    about="The rows that the contract refused, each with its reason; columns about persons are masked.",
)
SPLIT = Output(
    name="split",
    record=SplitRecord,
    kinds=frozenset({"parquet"}),
    about="Which row is for training, validation, calibration or the frozen holdout; never by chance.",
)
FEATURES = Output(
    name="features",
    record=FeaturesRecord,
    kinds=frozenset({"parquet", "python"}),
    about="What the model learns from, fitted on training rows only; the service runs the same code.",
)


class SnapshotConfig(dg.Config):
    """What a run may ask of the snapshot: rows before another day, and what the run is for: a change since a day."""

    as_of: str | None = None
    cause: str | None = None
    changed_since: str | None = None


def source_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the asset that looks at the source without reading its rows: its digests, size and age."""
    spec = file.spec
    key = asset_key(spec.model, "source")
    asset = dg.AssetSpec(
        key,
        description=described(spec, f"{spec.source.description} Licence: {spec.source.licence}."),
        group_name=spec.model,
        owners=[owner_of(spec)],
        kinds={"source"},
        tags=tags_of(spec),
        metadata={f"table {name}": _whereabouts(table) for name, table in spec.source.tables.items()},
        automation_condition=source_condition(spec.monitoring),
    ).with_io_manager_key(RECORDS_KEY)

    def source(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult]:
        with at_desk(context, file) as desk:
            yield from _observe(context, desk, key)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # the version is pinned and the flow test runs it
        observed: dg.AssetsDefinition = dg.multi_observable_source_asset(
            name=f"{spec.model}__source", specs=[asset], check_specs=check_specs(file.policy, "source", key)
        )(source)
    return observed


def _whereabouts(table: "Table") -> str:
    return ", ".join(
        f"{name}: {value}"
        for name, value in table.model_dump(mode="json", exclude_defaults=True, exclude={"parameters"}).items()
    )


def _observe(context: dg.AssetExecutionContext, desk: "Desk", key: dg.AssetKey) -> Iterator[dg.ObserveResult]:
    from ml_platform.sources.column_names import column_names
    from ml_platform.sources.read import fingerprint

    found = fingerprint(desk.spec, now=desk.now, memory=desk.platform.memory, watching=True)
    keep_record(desk.platform.home, (desk.model, "source"), found.record)
    verdicts = judge_stage(desk, "source", found.measurements, subject=found.record.digest)
    made = Product(
        name="source",
        record=found.record,
        version=found.record.digest,
        done="seen",
        measurements=found.measurements,
        verdicts=verdicts,
        metadata={
            "bytes": found.record.size_bytes,
            "changed": when(found.record.modified_at),
            **source_tables(desk.spec, column_names(desk.spec)),
            **{f"read {name}": facts_text(facts) for name, facts in found.record.facts.items()},
        },
    )
    for result in hand_on(context, desk, [made]):
        yield dg.ObserveResult(
            asset_key=key, data_version=result.data_version, metadata=result.metadata,
            check_results=result.check_results,
        )  # fmt: skip


def snapshot_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that reads the source once and keeps accepted and refused rows."""

    @dg.multi_asset(**wire(file, "snapshot", outputs=[SNAPSHOT, QUARANTINE], deps=["source"]))
    def snapshot(context: dg.AssetExecutionContext, config: SnapshotConfig) -> Results:
        from ml_platform.sources.column_names import column_names

        with at_desk(context, file) as desk:
            as_of = moment(config.as_of, desk.spec)
            if config.cause and as_of:
                since = moment(config.changed_since, desk.spec) if config.changed_since else None
                note_request(desk, config.cause, as_of, reason=why_asked(context, desk), changed_since=since)
            rows, refused = take_judged(desk, as_of)
            tables = column_names(file.spec)
            about = {
                "dagster/row_count": rows.record.rows,
                "dagster/column_schema": snapshot_schema(file.spec, tables),
                "dagster/column_lineage": snapshot_lineage(file.spec, tables),
                **({"rows before": when(rows.record.as_of)} if rows.record.as_of else {}),
                **findings_metadata(desk.platform.store, desk.policy, rows),
            }
            reasons = {"dagster/row_count": refused.record.rows, "reasons": counts(refused.record.reasons, "reason")}
            hints = [f"refused rows with reasons: quarantine {refused.record.digest}"] if refused.record.rows else []
            yield from hand_on(
                context, desk, [product("snapshot", rows, about), product("quarantine", refused, reasons)],
                hints=hints,
            )  # fmt: skip

    return snapshot


def split_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that assigns every row of the snapshot to a part."""

    @dg.multi_asset(**wire(file, "split", outputs=[SPLIT], inputs={"snapshot": SnapshotRecord}))
    def split(context: dg.AssetExecutionContext, snapshot: SnapshotRecord) -> Results:
        with at_desk(context, file) as desk:
            inputs = {"snapshot": snapshot.digest, "as_of": snapshot.as_of}
            task = Task(stage="split", inputs=inputs, kind="splits", record_type=SplitRecord)
            made = judged(desk, "split", recall_or_work(desk, task, lambda: _split(desk, snapshot)))
            about = {"dagster/row_count": snapshot.rows, "parts": parts_table(made.record)}
            yield from hand_on(context, desk, [product("split", made, about)])

    return split


def features_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that builds the feature matrix of a split."""
    upstream = {"snapshot": SnapshotRecord, "split": SplitRecord}

    @dg.multi_asset(**wire(file, "features", outputs=[FEATURES], inputs=upstream))
    def features(context: dg.AssetExecutionContext, snapshot: SnapshotRecord, split: SplitRecord) -> Results:
        with at_desk(context, file) as desk:
            inputs = {"snapshot": snapshot.digest, "split": split.digest}
            task = Task(stage="features", inputs=inputs, kind="features", record_type=FeaturesRecord)
            tests = code_tests_of(desk, snapshot, split)
            found = recall_or_work(desk, task, lambda: _features(desk, snapshot, split))
            made = judged(desk, "features", _with_tests(found, tests), own_tests=tests.has_own)
            about = {
                "code tests": dg.MetadataValue.path(str(junit_path(desk, tests))),
                "dagster/row_count": made.record.rows,
                "dagster/column_schema": features_schema(made.record, file.spec.contract),
                "dagster/column_lineage": features_lineage(made.record),
            }
            yield from hand_on(context, desk, [product("features", made, about)])

    return features


def _with_tests(found: Measured[FeaturesRecord], tests: CodeTestsRecord) -> Measured[FeaturesRecord]:
    from ml_platform.stages.code_tests.measure import measure_code_tests

    told = measure_code_tests(tests, code_digest=found.record.code_digest)
    return replace(found, measurements=(*found.measurements, *told))


def _split(desk: "Desk", snapshot: SnapshotRecord) -> Measured[SplitRecord]:
    from ml_platform.stages.split import make_split

    return make_split(desk.spec, store=desk.platform.store, snapshot=snapshot, as_of=snapshot.as_of)


def _features(desk: "Desk", snapshot: SnapshotRecord, split: SplitRecord) -> Measured[FeaturesRecord]:
    from ml_platform.stages.features import build_features

    return build_features(desk.spec, store=desk.platform.store, snapshot=snapshot, split=split)
