"""A small valid model file, and ways to write it down with changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from ml_platform.policy.load import GovernedModelFile, load_model

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

MODEL = """\
type: ml_platform.GovernedModel
attributes:
  model: late
  purpose: Say which parcels come late
  owner: team-parcels
  risk_class: limited
  description: Parcels that arrive a day or more after the promise
  source:
    tables:
      parcels: {kind: file, path: data/parcels.csv}
    as_of: 2026-01-01T00:00:00Z
    licence: CC0-1.0
    description: One row per parcel
  contract:
    late: {type: boolean, role: target}
    sent: {type: datetime, role: time}
    person: {type: integer, role: entity, personal_data: quasi}
    weight: {type: number, range: [0, 60]}
    carrier: {type: category, levels: [land, sea, air]}
    region: {type: category, role: group}
    arrived: {type: datetime, role: not_used, known: after, reason: known when it is too late}
  features: parcels.features
  split: {kind: time, train_days: 90, validation_days: 10, calibration_days: 10, holdout_days: 20}
  learner:
    kind: lightgbm
    objective: binary
    seed: 7
    threads: 2
    rounds: 100
    parameters: {learning_rate: 0.1, num_leaves: 31, boosting: gbdt, deterministic: true}
  policy:
    packs: [base]
    overrides:
      auc_is_sufficient: {limit: 0.7}
    waivers:
      - {gate: source_is_fresh, owner: pat, reason: the archive never changes, expires: 2026-12-31}
  monitoring:
    start: 2026-01-01
    end: 2026-06-01
    retrain_when: [live_auc_holds]
    cooldown_days: 20
    minimum_labels: 200
"""


def changed(*changes: tuple[str, str], text: str = MODEL) -> str:
    """Return the model file with pieces of text replaced; each piece has to be there."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def line_of(piece: str, text: str) -> int:
    """Return the number of the only line that holds a piece of text."""
    found = [number for number, line in enumerate(text.splitlines(), 1) if piece in line]
    assert len(found) == 1, f"{piece!r} is in lines {found}"
    return found[0]


def write_model(folder: Path, text: str = MODEL, *, name: str = "late") -> Path:
    """Write a model file as `<folder>/<name>/defs.yaml`."""
    path = folder / name / "defs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_pack(folder: Path, name: str, text: str) -> Path:
    """Write a pack beside the models as `<folder>/packs/<name>.yaml`."""
    path = folder / "packs" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load_text(folder: Path, text: str = MODEL) -> GovernedModelFile:
    """Write a model file and load it."""
    return load_model(write_model(folder, text), now=NOW)
