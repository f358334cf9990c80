"""Quarantine: the rows a contract refused, kept with the reasons of each; personal data are masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import QuarantineRecord
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.content_digest import content_digest
from ml_platform.stages.parquet import parquet_bytes, read_parquet

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.policy.spec import Column, ModelSpec
    from ml_platform.stages.contract import Checked

KIND = "quarantine"
REASON = "reason"
MASK = "(masked)"


def put_aside(spec: ModelSpec, checked: Checked, *, store: ArtefactStore) -> Measured[QuarantineRecord]:
    """Store the refused rows and count the reasons; no rows are an artefact too, so that their absence is on record."""
    rows = _masked(spec, checked)
    types = {name: "category" if _hidden(column) else column.type for name, column in spec.contract.items()}
    digest = digest_of([content_digest(rows, {**types, REASON: "category"}), dict(checked.broken)])
    new = store.put(KIND, digest, {"rows.parquet": parquet_bytes(rows)})
    record = QuarantineRecord(
        model=spec.model, digest=digest, rows=len(rows), rows_seen=len(checked.frame), reasons=dict(checked.broken)
    )
    return Measured(record=record, measurements=_measurements(record), unchanged=not new)


def read_refused(spec: ModelSpec, record: QuarantineRecord, *, store: ArtefactStore) -> pd.DataFrame:
    """Return the refused rows as they were put aside, the reasons of each in `reason`.

    Masked is also what the contract calls personal only since then, and what it no longer names.
    """
    rows = read_parquet(store.open(KIND, record.digest, "rows.parquet"))
    shown = {name for name, column in spec.contract.items() if not _hidden(column)} | {REASON}
    return rows.assign(**{str(name): _mask(rows[name]) for name in rows.columns if name not in shown})


def most_frequent_first(reasons: Mapping[str, int]) -> dict[str, int]:
    """Return the reasons with their counts, so that a shortened list keeps those that matter most."""
    return dict(sorted(reasons.items(), key=lambda one: (-one[1], one[0])))


def _hidden(column: Column) -> bool:
    return column.personal_data is not PersonalData.NONE or Role.ENTITY in column.roles


def _masked(spec: ModelSpec, checked: Checked) -> pd.DataFrame:
    import pandas as pd

    refused = checked.refused
    rows = checked.frame[refused].reset_index(drop=True)
    hidden = {name: _mask(rows[name]) for name, column in spec.contract.items() if _hidden(column)}
    return rows.assign(**hidden, **{REASON: pd.Categorical(checked.reasons[refused])})


def _mask(values: pd.Series) -> pd.Categorical[str]:
    import pandas as pd

    codes = np.where(values.isna().to_numpy(), -1, 0)
    return pd.Categorical.from_codes(codes, categories=pd.Index([MASK]))


def _measurements(record: QuarantineRecord) -> tuple[Measurement, ...]:
    share = record.rows / record.rows_seen if record.rows_seen else None
    return (
        Measurement(
            metric="quarantined_share",
            value=share,
            n=record.rows_seen,
            unit="share",
            facts=most_frequent_first(record.reasons),
        ),
        Measurement(metric="quarantine_reasons", value=len(record.reasons), n=record.rows_seen),
    )
