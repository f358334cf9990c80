"""The look at the live version: whether it breaks what its evidence promised, and whether going back would help."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.core.records import DeploymentRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml_platform.adapters.platform import Platform
    from ml_platform.core.records import ReleaseRecord
    from ml_platform.core.traffic import Label, Prediction
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.bounded_losses import BoundedLoss
    from ml_platform.stages.live_promise import Promise

ENVIRONMENT = "production"
AUTOMATIC = "rollback.automatic"
REST = dt.timedelta(days=1)
BEFORE = dt.timedelta(days=1)  # of the version before: its errors and latency are what is usual
COMPARED_ROWS = 5000  # the newest with an outcome are scored by the version before
LOSS = "live_loss_excess"
AGAINST_BEFORE = "live_loss_against_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoBack:
    """It is proven that `live` has to be taken back; the reason names each measurement."""

    live: DeploymentRecord
    reason: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is live stays, and why."""

    reason: str
    measurements: tuple[Measurement, ...] = ()


def look_at_production(file: GovernedModelFile, platform: Platform, *, now: dt.datetime) -> GoBack | Keep:
    """Say whether the live version is to be taken back, however often one looks.

    What is wrong with requests or scores takes it back at once. A loss above what was promised does so only when the
    version before is proven to have done better on the same requests: when the world has changed, going back doesn't
    help. Within a day of an automatic rollback no other one is made: then it isn't the version.
    """
    from ml_platform.stages.bounded_losses import bounded_losses
    from ml_platform.stages.live_regression import Regressed, look_at_live

    spec, ledger = file.spec, platform.ledger
    live = ledger.live(spec.model, ENVIRONMENT)
    release = ledger.release(spec.model, live.version) if live else None
    if live is None or release is None:
        return Keep(reason=f"nothing is live in {ENVIRONMENT}")
    before = _before(platform, live)
    served, labels = _heard(platform, spec.model, since=live.since - BEFORE)
    earlier = [one for one in served if before and one.version == before.version and one.at < live.since]
    promise = _promise(spec, platform, release, earlier)
    loss = bounded_losses(spec.learner, spec.classes, usual=promise.usual_loss)
    found = look_at_live(
        served, labels, promise, loss=loss, version=live.version, since=live.since,
        false_rollbacks_per_year=spec.monitoring.false_rollbacks_per_year if spec.monitoring else 0.05,
    )  # fmt: skip
    if not isinstance(found, Regressed):
        said = f" ({'; '.join(found.reasons)})" if found.reasons else ""
        return Keep(reason=f"v{live.version} keeps what was promised{said}", measurements=found.measurements)
    compared = None
    if before is not None and promise.loss is not None and _only_loss(found.reasons):
        known = _with_outcome(served, labels, live)
        compared = _against_before(platform, before, known, loss, margin=promise.loss / 8)
    measured = (*found.measurements, *([compared] if compared else []))
    reason = "; ".join([*found.reasons, *([compared.text()] if compared else [])])
    stands = _against(platform, live, before, compared, now=now)
    if stands:
        return Keep(reason=f"v{live.version} breaks its promise: {reason}; but {stands}", measurements=measured)
    return GoBack(live=live, reason=f"v{live.version} breaks its promise: {reason}", measurements=measured)


def _before(platform: Platform, live: DeploymentRecord) -> ReleaseRecord | None:
    """Return the version that a rollback would go back to, as far as the ledger knows."""
    ledger = platform.ledger
    barred = ledger.barred(live.model)
    for each in reversed(ledger.history(live.model, ENVIRONMENT)):
        if each.version != live.version and each.version not in barred:
            return ledger.release(live.model, each.version)
    return None


def _heard(platform: Platform, model: str, *, since: dt.datetime) -> tuple[Sequence[Prediction], Mapping[str, Label]]:
    """Return what was answered in production since then, and the outcomes, each in the order in which it came."""
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.adapters.traffic_log import read_answered, traffic_folder

    served = read_answered(traffic_folder(platform.home, ENVIRONMENT, model), since, keys=platform.keys)
    return served, LabelStore(platform.home).read(model).by_prediction


def _promise(spec: ModelSpec, platform: Platform, release: ReleaseRecord, earlier: Sequence[Prediction]) -> Promise:
    import numpy as np

    from ml_platform.stages.live_promise import promise_of
    from ml_platform.stages.reference import holdout_measurements

    if not platform.store.has("evaluations", release.candidate.evaluation_digest):  # what needs it is undefined
        return promise_of(spec.learner.task, [], np.zeros(0), before=earlier)
    measured = holdout_measurements(platform.store, release)
    return promise_of(spec.learner.task, measured, _scores(platform, release), before=earlier)


def _scores(platform: Platform, release: ReleaseRecord) -> NDArray[np.float64]:
    """Return the holdout's scores as they are served: of several classes the largest probability."""
    import numpy as np

    from ml_platform.stages.reference import holdout_scores

    columns = [one.to_numpy(dtype=np.float64) for one in holdout_scores(platform.store, release).values()]
    largest: NDArray[np.float64] = np.max(columns, axis=0)
    return largest


def _only_loss(reasons: Sequence[str]) -> bool:
    return all(reason.startswith(f"{LOSS}: ") for reason in reasons)


def _with_outcome(
    served: Sequence[Prediction], labels: Mapping[str, Label], live: DeploymentRecord
) -> list[tuple[Prediction, Label]]:
    """Return the newest answers of the live version whose outcome has come."""
    mine = (one for one in served if one.version == live.version and not one.pair and one.score is not None)
    return [(one, labels[one.id]) for one in mine if one.id in labels][-COMPARED_ROWS:]


def _against_before(
    platform: Platform,
    before: ReleaseRecord,
    known: Sequence[tuple[Prediction, Label]],
    loss: BoundedLoss,
    *,
    margin: float,
) -> Measurement:
    """Measure the live version's loss minus that of the version before, on the same requests."""
    import numpy as np

    from ml_platform.stats.pair_difference import pair_difference

    asked, outcomes = [one for one, _ in known], [label.label for _, label in known]
    theirs = _scored_by(platform, before, asked)
    if isinstance(theirs, str):
        return Measurement(metric=AGAINST_BEFORE, value=None, n=len(known), reason=theirs)
    lost, would = loss(asked, outcomes), loss(theirs, outcomes)
    told = np.isfinite(lost) & np.isfinite(would)
    return pair_difference(lost[told], would[told], margin=margin, metric=AGAINST_BEFORE)


def _scored_by(platform: Platform, release: ReleaseRecord, asked: Sequence[Prediction]) -> list[Prediction] | str:
    """Return what a version would have answered, or why that can't be said."""
    from ml_platform.serving.predictor import Predictor

    predictor = Predictor.load(platform.store, release.candidate.model_digest)
    needed = {column.name for column in predictor.contract.inputs}
    if any(needed - one.inputs.keys() for one in asked):
        return f"v{release.version} needs columns that the requests don't hold"
    scores = predictor.score_rows([one.inputs for one in asked])
    return [
        replace(one, scores=score, score=max(score)) if isinstance(score, tuple) else replace(one, score=score)
        for one, score in zip(asked, scores, strict=True)
    ]


def _against(
    platform: Platform,
    live: DeploymentRecord,
    before: ReleaseRecord | None,
    compared: Measurement | None,
    *,
    now: dt.datetime,
) -> str:
    """Say what stands against going back; empty when nothing does."""
    if before is None:
        return "there is no earlier version to go back to"
    if compared is not None and not (compared.low is not None and compared.low > 0):
        return f"it isn't proven that v{before.version} would do better, so retraining is what may help"
    last = platform.ledger.last(AUTOMATIC, subject=f"{live.model}@{ENVIRONMENT}")
    if last is not None and now - last.at < REST:
        return f"v{last.payload.get('barred')} was taken back automatically within the last day; a person has to look"
    return ""
