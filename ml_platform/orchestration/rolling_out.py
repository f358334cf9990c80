"""Rolling out: the look at a version that is tried beside the live one, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import msgspec

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.rollout import Ending, RolloutEnd, RolloutRecord
from ml_platform.core.scoring import SCORING, ScoringContract
from ml_platform.orchestration.deploying import Deployed, Wish, deploy
from ml_platform.orchestration.rollout_way import rules_digest
from ml_platform.policy.strategy import Canary, Direct, Shadow, Trial
from ml_platform.stages.objection import Refused
from ml_platform.stages.rollout_look import Continue, GiveUp, Look, Promote, Stop, look_at_rollout, wanted_of
from ml_platform.stages.rollout_story import LOOKED
from ml_platform.stages.rollout_words import NAMES

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.orchestration.desk import Desk


MOST_BEFORE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """What a look saw and what was done; `refused` is the lock's word when it keeps a proven version out."""

    rollout: RolloutRecord
    look: Look
    done: str
    deployed: Deployed | None = None
    refused: Refused | None = None


def roll(desk: Desk, rollout: RolloutRecord) -> Rolled:
    """Look at a rollout, write the look to the audit, and do what follows from it.

    What is proven goes live through the lock, which reads its evidence again; when that refuses, the rollout goes on.
    What is worse is barred, the champion stays. Raises DataInvalid when the rules are no longer those it began with.
    """
    seen = look(desk, rollout)
    _write_down(desk, rollout, seen)
    reasons = "; ".join(seen.decision.reasons)
    match seen.decision:
        case Continue():
            return Rolled(rollout=rollout, look=seen, done=f"v{rollout.version} is tried on beside v{rollout.champion}")
        case Promote():
            return _promote(desk, rollout, seen)
        case Stop():
            _end(desk, rollout, "stopped", reasons)
            done = f"v{rollout.version} is stopped and barred, v{rollout.champion} stays live"
            return Rolled(rollout=rollout, look=seen, done=done)
        case GiveUp():
            _end(desk, rollout, "cancelled", reasons)
            done = f"v{rollout.version} is taken back undecided, v{rollout.champion} stays live"
            return Rolled(rollout=rollout, look=seen, done=done)
        case _:
            assert_never(seen.decision)


def look(desk: Desk, rollout: RolloutRecord) -> Look:
    """Measure a rollout's traffic and decide, by the rules that it began with; nothing is written."""
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.adapters.traffic_log import read_rollout, traffic_folder
    from ml_platform.stages.bounded_losses import bounded_losses
    from ml_platform.stages.rollout_traffic import arms_of, pairs_of

    trial, platform = trial_of(desk, rollout), desk.platform
    folder = traffic_folder(platform.home, rollout.environment, rollout.model)
    traffic = read_rollout(folder, rollout, keys=platform.keys)
    tried, before = traffic.tried, traffic.before[-MOST_BEFORE:]
    labels = LabelStore(platform.home).read(rollout.model).by_prediction
    classes, usual = _classes(desk, rollout), _usual_loss(desk, rollout)
    loss, versions = bounded_losses(desk.spec.learner, classes, usual=usual), (rollout.version, rollout.champion)
    match trial:
        case Canary(weight=weight, key=key):
            arms = arms_of(tried, labels, versions=versions, weight=weight, loss=loss, key=key or "", before=before)
            return look_at_rollout(trial, arms, since=rollout.since, now=desk.now)
        case Shadow():
            pairs = pairs_of(tried, labels, versions=versions, loss=loss, before=before)
            return look_at_rollout(trial, pairs, since=rollout.since, now=desk.now)
        case _:
            assert_never(trial)


def trial_of(desk: Desk, rollout: RolloutRecord) -> Trial:
    """Return the rules of a rollout; raises DataInvalid when the model file says other ones by now.

    A test that is looked at while it runs holds for the rules that it began with, and for no others.
    """
    strategy = desk.spec.deployment.strategy
    if isinstance(strategy, Direct) or rules_digest(strategy) != rollout.rules_digest:
        message = (
            f"{desk.file.path}: deployment.strategy was changed since the rollout of v{rollout.version} began; it is "
            f"decided by the rules it began with. Put them back, or end it: ml-platform rollout {desk.model} --cancel "
            "--reason …"
        )
        raise DataInvalid(message)
    return strategy


def cancel(desk: Desk, rollout: RolloutRecord, reason: str) -> None:
    """Take a challenger back unjudged; it isn't barred. Raises DataInvalid without a reason."""
    if not reason.strip():
        raise DataInvalid(f"{rollout.model}@{rollout.environment}: a reason is needed to end its rollout; give one")
    _end(desk, rollout, "cancelled", reason.strip())


def _promote(desk: Desk, rollout: RolloutRecord, seen: Look) -> Rolled:
    release = desk.platform.ledger.release(rollout.model, rollout.version)
    if release is None:
        raise Unavailable(f"{rollout.model}: v{rollout.version} isn't registered any more; restore the ledger")
    *others, last = (NAMES[each] for each in wanted_of(trial_of(desk, rollout)))
    compared = f"{', '.join(others)} and {last}"
    wish = Wish(
        release=release,
        environment=rollout.environment,
        reason=f"proven on live traffic beside v{rollout.champion}: no worse by a margin in {compared}",
        proven=rollout.rollout_id,
    )
    deployed = deploy(desk, wish)
    if isinstance(deployed, Refused):
        done = f"v{rollout.version} is proven and the lock keeps it out; it is tried on"
        return Rolled(rollout=rollout, look=seen, done=done, refused=deployed)
    done = f"v{rollout.version} is live in {rollout.environment}"
    return Rolled(rollout=rollout, look=seen, done=deployed.after or done, deployed=deployed)


def _end(desk: Desk, rollout: RolloutRecord, outcome: Ending, reason: str) -> None:
    ended = RolloutEnd(rollout_id=rollout.rollout_id, outcome=outcome, at=desk.now, actor=desk.actor, reason=reason)
    desk.platform.ledger.end_rollout(ended)
    for problem in desk.platform.project().problems:
        desk.say(f"not shown outside yet, it will be tried again: {problem}")


def _write_down(desk: Desk, rollout: RolloutRecord, seen: Look) -> None:
    desk.platform.ledger.append(
        LOOKED,
        actor=desk.actor,
        subject=f"{rollout.model}@{rollout.environment}",
        at=desk.now,
        payload={
            "rollout_id": rollout.rollout_id,
            "version": rollout.version,
            "champion": rollout.champion,
            "decision": type(seen.decision).__name__.lower(),
            "reasons": list(seen.decision.reasons),
            "measurements": [_said(one) for one in seen.measurements],
            "run_id": desk.run_id,
        },
    )


def _said(one: Measurement) -> dict[str, object]:
    return {
        "metric": one.metric, "value": one.value, "low": one.low, "high": one.high, "n": one.n, "reason": one.reason,
        "facts": dict(one.facts),
    }  # fmt: skip


def _classes(desk: Desk, rollout: RolloutRecord) -> tuple[str, ...]:
    content = desk.platform.store.read("models", rollout.champion_digest, SCORING)
    return msgspec.json.decode(content, type=ScoringContract).classes


def _usual_loss(desk: Desk, rollout: RolloutRecord) -> float | None:
    """Return the champion's mean loss on its holdout, which losses of numbers are counted in."""
    if desk.spec.learner.task not in {"regression", "quantile"}:
        return None
    from ml_platform.stages.reference import read_reference

    champion = desk.platform.ledger.release(rollout.model, rollout.champion)
    return read_reference(desk.spec, desk.platform.store, champion).headline if champion else None
