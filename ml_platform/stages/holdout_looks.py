"""Holdout looks: how many models were measured on the same frozen holdout, counted where nothing can be taken back.

Each model measured on a holdout is a chance to pick luck, whoever picks. A look is written to the audit chain before
anything is measured, and a model that was measured there before isn't counted again. A holdout is known by its rows
(outcome, entity, time) and not by its features, so that neither another features module nor a few new rows make it
fresh: one counts as the same when it shares half of its rows or more, as bottom-k sketches of both tell
(Cohen and Kaplan 2007, Summarizing data using bottom-k sketches).
"""

from __future__ import annotations

import datetime as dt
import json
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measurement import Measurement
from ml_platform.stages.folds import mixed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.core.ports import ArtefactStore, Ledger
    from ml_platform.stages.matrix import Matrix

LOOKED = "holdout_looked"
KIND = "holdouts"
FILE = "sketch.json"
KEPT = 256
SAME = 0.5
MISS = 0.05  # of 95 % intervals


def look(
    holdout: Matrix,
    *,
    store: ArtefactStore,
    ledger: Ledger,
    model: str,
    model_digest: str,
    actor: str,
    now: dt.datetime,
) -> Measurement:
    """Write down that a model is measured on a holdout, and count the models measured on it up to this one.

    Call it before measuring. `confidence` among the facts is what each interval needs so that all looks together miss
    as seldom as one (Bonferroni), `wider` how much wider a normal interval then is. An earlier holdout whose sketch is
    gone counts as the same.
    """
    sketch = _sketch(holdout)
    digest = digest_of(sketch)
    if not store.has(KIND, digest):
        store.put(KIND, digest, {FILE: canonical_json(sketch).encode()})
    looks = list(_looks(ledger, model))
    if (model_digest, digest) not in looks:
        payload = {"model_digest": model_digest, "holdout": digest, "rows": holdout.target.size}
        ledger.append(LOOKED, actor=actor, subject=_subject(model), payload=payload, at=now)
        looks = list(_looks(ledger, model))  # somebody else's may have come before this one
    known: dict[str, bool] = {digest: True}
    models: dict[str, None] = {}
    for one, where in looks:
        if where not in known:
            known[where] = _is_same(store, where, sketch)
        if known[where]:
            models[one] = None
        if one == model_digest and where == digest:
            break
    return _measurement(list(models).index(model_digest) + 1, rows=holdout.target.size)


def _measurement(looks: int, *, rows: int) -> Measurement:
    confidence = 1 - MISS / looks
    wider = NormalDist().inv_cdf(1 - MISS / looks / 2) / NormalDist().inv_cdf(1 - MISS / 2)
    facts = {"rows": rows, "confidence": round(confidence, 6), "wider": round(wider, 3)}
    return Measurement(metric="holdout_looks", value=looks, n=rows, unit="models", facts=facts)


def _subject(model: str) -> str:
    return f"{model}/holdout"


def _looks(ledger: Ledger, model: str) -> Iterator[tuple[str, str]]:
    for entry in ledger.audit(model=model):
        if entry.action == LOOKED and entry.subject == _subject(model):
            yield str(entry.payload.get("model_digest")), str(entry.payload.get("holdout"))


def _sketch(holdout: Matrix) -> list[str]:
    """Return the smallest hashes of the holdout's different rows, in order."""
    found = mixed(np.ascontiguousarray(holdout.target, dtype=np.float64).view(np.uint64), 0)
    for part in (holdout.entity, None if holdout.time is None else holdout.time.astype("datetime64[us]")):
        if part is not None:
            found = mixed(found ^ mixed(np.ascontiguousarray(part).view(np.uint64), 1), 2)
    return [f"{one:016x}" for one in np.unique(found)[:KEPT].tolist()]


def _is_same(store: ArtefactStore, digest: str, sketch: list[str]) -> bool:
    try:
        other = set(json.loads(store.read(KIND, digest, FILE)))
    except (Unavailable, DataInvalid):
        return True
    smallest = sorted(other.union(sketch))[:KEPT]
    shared = other.intersection(sketch)
    return sum(one in shared for one in smallest) >= SAME * len(smallest)
