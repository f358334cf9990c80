"""Learn from feedback: accepted labels with the inputs of their predictions, as rows behind those of the source."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from ml_platform.stages.accept_feedback import FILE, KIND, Accepted, AcceptedLabel
from ml_platform.stages.assemble import read_declared
from ml_platform.stages.pseudonymise import without_erased

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.vault import Vault
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.contract import Checked

TABLE = "feedback"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Accepted labels and the digest that they are kept under."""

    digest: str
    labels: tuple[AcceptedLabel, ...]


def read_learned(store: ArtefactStore, digest: str) -> Learned | None:
    """Return the labels kept under a digest, None for ""; raises as the store does."""
    import msgspec

    if not digest:
        return None
    accepted = msgspec.json.decode(store.read(KIND, digest, FILE), type=Accepted)
    return Learned(digest=digest, labels=accepted.labels)


def add_feedback(
    spec: ModelSpec, frame: pd.DataFrame, feedback: Learned | None, *, before: dt.datetime | None
) -> pd.DataFrame:
    """Return the source's rows with those of feedback behind them, where the model file has a section `feedback`.

    Only outcomes that were known, of events, `before` then count, and none whose inputs a row of the source has: the
    source knows it better. Of more than the file's share of the source's rows the newest stay.
    """
    import pandas as pd

    if spec.feedback is None or feedback is None:
        return frame
    early = [one for one in feedback.labels if before is None or max(one.known_at, one.event_time) < before]
    newest = sorted(early, key=lambda one: (one.event_time, one.prediction_id))
    rows = read_declared(spec, TABLE, pd.DataFrame([_row(spec, one) for one in newest]), {}) if newest else None
    if rows is None:
        return frame
    both = pd.concat([frame, rows], ignore_index=True)
    named = [name for name in (*spec.inputs, spec.time) if name in both.columns]
    new = ~both[named].astype(object).duplicated().to_numpy()[len(frame) :]
    told = rows[new].tail(int(len(frame) * spec.feedback.at_most_share))
    found = pd.concat([frame, told], ignore_index=True)
    found.attrs = frame.attrs
    return found


def accepted_tail(spec: ModelSpec, checked: Checked, of_source: int, vault: Vault | None) -> int:
    """Return how many rows behind the source's keep to the contract and aren't of a person who was erased."""
    tail = dataclasses.replace(
        checked, frame=checked.frame.iloc[of_source:].reset_index(drop=True), reasons=checked.reasons[of_source:]
    )
    if not len(tail.frame):
        return 0
    kept, _ = without_erased(spec, tail, vault)
    return int((~kept.refused).sum())


def _row(spec: ModelSpec, one: AcceptedLabel) -> dict[str, object]:
    row: dict[str, object] = {**one.inputs, spec.target: _target(spec, one)}
    if spec.time is not None:
        row[spec.time] = one.event_time.isoformat()
    if spec.weight is not None:
        row[spec.weight] = one.weight
    return {name: value for name, value in row.items() if name in spec.contract}


def _target(spec: ModelSpec, one: AcceptedLabel) -> object:
    return bool(one.label) if spec.contract[spec.target].type == "boolean" else one.label
