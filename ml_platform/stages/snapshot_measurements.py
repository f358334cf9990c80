"""Snapshot measurements: how complete, plausible, distinct and stable the rows are, as numbers without limits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import Role
from ml_platform.stages.anonymity import measure_anonymity
from ml_platform.stages.direct_copies import copies_of_direct
from ml_platform.stages.profile import counts_against
from ml_platform.stages.quarantine import most_frequent_first
from ml_platform.stages.rule_checks import MISSING, NO_LEVEL, NOT_UNIQUE, OUT_OF_RANGE
from ml_platform.stats.psi_of_counts import psi_of_counts

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import SnapshotRecord
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.contract import Checked
    from ml_platform.stages.personal_data import PersonalFinding

USED = frozenset({Role.FEATURE, Role.TARGET, Role.GROUP, Role.WEIGHT})
Profile = Mapping[str, Any]
NAMES_SHOWN = 5
LONGEST_NAME = 60


def read_profile(store: ArtefactStore, snapshot: SnapshotRecord) -> Profile:
    """Return the profile stored with a snapshot."""
    found: Profile = json.loads(store.read("snapshots", snapshot.digest, "profile.json"))
    return found


def read_sketches(store: ArtefactStore, snapshot: SnapshotRecord) -> Profile:
    """Return the sketches stored with a snapshot, mergeable with those of other rows under the same contract."""
    found: Profile = json.loads(store.read("snapshots", snapshot.digest, "sketches.json"))
    return found


def measure_snapshot(
    spec: ModelSpec,
    checked: Checked,
    accepted: pd.DataFrame,
    described: Profile,
    *,
    reference: Profile | None,
    frame: pd.DataFrame,
    suspects: Mapping[str, PersonalFinding],
) -> tuple[Measurement, ...]:
    """Return every measurement of the snapshot stage; those of a shift only when there is a reference profile.

    `suspects` are the columns of the assembled frame that look personal and aren't declared so (`undeclared`).

    A row whose only flaw is a missing target has no outcome (yet, or ever) and is quarantined, but it violates no
    rule: `contract_violations_share` counts the other refused rows, and has the rows without outcome as a fact.
    """
    return (
        *_of_rows(spec, checked, accepted),
        *measure_missing(spec, len(accepted), {name: one["missing"] for name, one in described["columns"].items()}),
        *_of_columns(spec, checked, described, frame, suspects),
        *measure_anonymity(spec, accepted),
        *(_of_shift(spec, accepted, described, reference) if reference is not None else ()),
    )


def _of_rows(spec: ModelSpec, checked: Checked, accepted: pd.DataFrame) -> Iterator[Measurement]:
    seen = len(checked.frame)
    without_outcome = int((checked.reasons == f"{spec.target}: {MISSING}").sum())
    violating = int(checked.refused.sum()) - without_outcome
    yield Measurement(metric="row_count", value=len(accepted), n=seen, unit="rows", facts={"rows_seen": seen})
    yield Measurement(
        metric="contract_violations_share",
        value=violating / seen,
        n=seen,
        unit="share",
        facts={**most_frequent_first(checked.broken), "without_outcome": without_outcome},
    )
    yield Measurement(
        metric="coerced_cells",
        value=sum(checked.coerced.values()),
        n=seen * len(spec.contract),
        unit="cells",
        facts=most_frequent_first(checked.coerced),
    )
    repeated = int(accepted.duplicated().sum())
    yield Measurement(metric="duplicate_share", value=repeated / len(accepted), n=len(accepted), unit="share")
    twice = sum(count for rule, count in checked.broken.items() if rule.endswith(f": {NOT_UNIQUE}"))
    yield Measurement(metric="unique_violations", value=twice, n=seen, unit="rows")
    bounded = sum(column.range is not None or column.levels is not None for column in spec.contract.values())
    out = sum(count for rule, count in checked.broken.items() if rule.endswith((OUT_OF_RANGE, NO_LEVEL)))
    yield Measurement(
        metric="plausibility_out_of_range_share",
        value=out / (seen * bounded) if bounded else None,
        n=seen * bounded,
        unit="share",
        reason="" if bounded else "no column declares a range or levels",
    )


def measure_missing(spec: ModelSpec, rows: int, missing: Mapping[str, int]) -> Iterator[Measurement]:
    """Return how much of each column is missing in the accepted rows, and how much more than it declares."""
    reason = "" if rows else "no row keeps the contract"
    for name, column in spec.contract.items():
        share = missing.get(name, 0) / rows if rows else None
        excess = None if share is None else max(0.0, share - column.missing)
        yield Measurement(metric="missing_share", value=share, n=rows, unit="share", subject=name, reason=reason)
        yield Measurement(
            metric="missing_share_excess",
            value=excess,
            n=rows,
            unit="share",
            subject=name,
            reason=reason,
            facts={"declared": column.missing},
        )


def _of_columns(
    spec: ModelSpec,
    checked: Checked,
    described: Profile,
    frame: pd.DataFrame,
    suspects: Mapping[str, PersonalFinding],
) -> Iterator[Measurement]:
    used = [name for name, column in spec.contract.items() if column.roles & USED]
    constant = [name for name in used if described["columns"][name]["distinct"] <= 1]
    personal = [name for name, finding in suspects.items() if finding.blocks]
    traits = [name for name, finding in suspects.items() if not finding.blocks]
    for metric, found, of in (
        ("constant_columns", constant, len(used)),
        ("undeclared_columns", checked.undeclared, len(frame.columns)),
        ("undeclared_personal_data", personal, len(frame.columns)),
        ("undeclared_quasi_identifiers", traits, len(frame.columns)),
        ("direct_copies", copies_of_direct(spec, frame), len(frame.columns)),
    ):
        yield count_columns(metric, found, of, suspects)


def count_columns(metric: str, found: Sequence[str], of: int, suspects: Mapping[str, PersonalFinding]) -> Measurement:
    """Return how many columns were found, with their names and of the suspected ones the evidence."""
    return Measurement(
        metric=metric,
        value=len(found),
        n=of,
        unit="columns",
        subject=listed(found),
        facts={"columns": ", ".join(found) or "none", **_evidence(found, suspects)},
    )


def _evidence(found: Sequence[str], suspects: Mapping[str, PersonalFinding]) -> dict[str, str]:
    """Say of the first suspected columns why they are suspected, in counts only."""
    return {listed([name]): suspects[name].evidence for name in found[:NAMES_SHOWN] if name in suspects}


def listed(names: Sequence[str]) -> str:
    """Name the first columns; the names come from a file's header, so they are shortened and made printable."""
    shown = [name[:LONGEST_NAME] if name.isprintable() else ascii(name)[:LONGEST_NAME] for name in names[:NAMES_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _of_shift(spec: ModelSpec, accepted: pd.DataFrame, described: Profile, reference: Profile) -> Iterator[Measurement]:
    before = reference["columns"]
    now = described["columns"]
    same = sum(name in now and now[name]["type"] == column["type"] for name, column in before.items())
    yield Measurement(metric="column_stability", value=same / len(before), n=len(before), unit="share")
    for name, column in spec.contract.items():
        if not column.roles & USED or before.get(name, {}).get("type") != column.type:
            continue
        counts = counts_against(before[name], accepted[name])
        if counts is not None:
            yield dataclasses.replace(psi_of_counts(*counts, subject=name), metric="snapshot_psi")
