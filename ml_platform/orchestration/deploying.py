"""Deploying: through the lock, then a look at the service that runs; a bad version in production is rolled back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.adapters.deployments import read_manifest, write_manifest
from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import DeploymentRecord, ModelRecord, ReleaseRecord
from ml_platform.core.rollout import RolloutRecord
from ml_platform.core.verdict import Verdict
from ml_platform.orchestration.run_stage import judge_stage
from ml_platform.policy.conditions import conditions_of
from ml_platform.stages.objection import Refused

if TYPE_CHECKING:
    from ml_platform.core.hold import Hold
    from ml_platform.orchestration.desk import Desk
    from ml_platform.stages.promote import Promoted
    from ml_platform.stages.way import Way

ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which version is to go live where and why; `url` is a service that runs already, else one is started.

    `despite_freeze` is why it goes there in a freeze, `directly` why it does so untried where the model file says that
    it is tried first; whoever gives them must be one who may deploy to production. `proven` names the rollout that
    decided for it.
    """

    release: ReleaseRecord
    environment: str
    reason: str
    url: str | None = None
    verify_again: bool = False
    despite_freeze: str = ""
    fewer_approvals: str = ""
    directly: str = ""
    proven: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What is live and what was seen of the service; `after` says what was done about a closed gate.

    `rollout` is that of the version when it isn't live yet but tried beside what is.
    """

    deployment: DeploymentRecord
    measurements: tuple[Measurement, ...]
    verdicts: tuple[Verdict, ...]
    unchanged: bool = False
    after: str = ""
    rollout: RolloutRecord | None = None


def deploy(desk: Desk, wish: Wish) -> Deployed | Refused:
    """Promote a version and verify it where it runs, or begin to try it beside what is live, as the model file says.

    `Refused` when the lock says no, and nothing has changed.

    The environment is held meanwhile, so that what is looked at afterwards is what was promoted here.
    """
    from ml_platform.stages.hold import holding
    from ml_platform.stages.objection import Objection
    from ml_platform.stages.promote import Attempt, refuse

    _require_same_contract(desk, wish)
    place, ledger = (desk.model, wish.environment), desk.platform.ledger
    with holding(ledger, place, "promotion", actor=desk.actor, now=desk.now, run_id=desk.run_id) as hold:
        if isinstance(hold, Objection):
            tried = Attempt(wish.release.version, desk.actor, wish.reason, desk.now)
            return refuse(ledger, place, [hold], tried)
        done = _deploy(desk, wish, hold)
    if isinstance(done, Deployed) and not done.unchanged and any(verdict.closes for verdict in done.verdicts):
        return replace(done, after=_answer(desk, wish))
    return done


def _deploy(desk: Desk, wish: Wish, hold: Hold) -> Deployed | Refused:
    promoted = _promote(desk, wish, hold)
    if isinstance(promoted, Refused):
        return promoted
    for problem in desk.platform.project().problems:
        desk.say(f"not shown outside yet, it will be tried again: {problem}")
    _keep_true(desk)
    if promoted.rollout is not None:
        return _begun(desk, wish, promoted, promoted.rollout)
    if read_manifest(desk.platform.home, wish.environment, desk.model) is None:
        write_manifest(desk.platform.home, desk.platform.store, promoted.deployment)  # somebody removed it
    known = _verified_before(desk, wish) if promoted.unchanged and not wish.verify_again else None
    if known is not None:
        return Deployed(deployment=promoted.deployment, measurements=(), verdicts=known, unchanged=True)
    seen = (_lock_open(promoted), *_look(desk, wish))
    verdicts = judge_stage(desk, wish.environment, seen, subject=wish.release.candidate.digest)
    return Deployed(deployment=promoted.deployment, measurements=seen, verdicts=verdicts)


def _begun(desk: Desk, wish: Wish, promoted: Promoted, rollout: RolloutRecord) -> Deployed:
    """Return what is live while a version is tried beside it, with its own verdicts where it runs."""
    champion = desk.platform.ledger.release(desk.model, rollout.champion)
    if champion is None:
        raise Unavailable(f"{desk.model}: v{rollout.champion} is live and isn't registered; run the command again")
    its = replace(wish, release=champion, url=None)
    seen: tuple[Measurement, ...] = ()
    verdicts = _verified_before(desk, its)
    if verdicts is None:
        seen = (_lock_open(promoted), *_look(desk, its))
        verdicts = judge_stage(desk, wish.environment, seen, subject=champion.candidate.digest)
    return Deployed(
        deployment=promoted.deployment, measurements=seen, verdicts=verdicts, unchanged=True, rollout=rollout
    )


def _keep_true(desk: Desk) -> None:
    """Undo what somebody else wrote to what MLflow shows of the model; nothing that is served depends on it."""
    from ml_platform.orchestration.showing import put_back_all, words

    try:
        for line in words(put_back_all(desk.platform, [desk.model], now=desk.now)):
            desk.say(line)
    except Unavailable as error:
        desk.say(f"what MLflow shows can't be compared with the ledger just now: {error}")


def _promote(desk: Desk, wish: Wish, hold: Hold) -> Promoted | Refused:
    from ml_platform.stages.promote import promote

    platform = desk.platform
    return promote(
        desk.policy,
        store=platform.store,
        ledger=platform.ledger,
        verifier=platform.signing,
        model=desk.model,
        version=wish.release.version,
        environment=wish.environment,
        actor=desk.actor,
        reason=wish.reason,
        now=desk.now,
        conditions=frozenset(conditions_of(desk.spec)),
        despite_freeze=wish.despite_freeze,
        fewer_approvals=wish.fewer_approvals,
        way=_way(desk, wish),
        hold=hold,
    )


def _way(desk: Desk, wish: Wish) -> Way:
    """Return how it goes live: through staging nobody is hurt, so that nothing is tried there first."""
    from ml_platform.orchestration.rollout_way import way_of
    from ml_platform.stages.way import Proven

    if wish.proven:
        return Proven(rollout_id=wish.proven)
    return way_of(desk.spec.deployment.strategy, wish.environment, directly=wish.directly)


def _verified_before(desk: Desk, wish: Wish) -> tuple[Verdict, ...] | None:
    part = desk.platform.ledger.part(desk.model, wish.environment, wish.release.candidate.digest, desk.policy.digest)
    return part.verdicts if part and not any(verdict.closes for verdict in part.verdicts) else None


def _lock_open(promoted: Promoted) -> Measurement:
    return Measurement(metric="lock_open", value=1.0, n=1, facts={"version": promoted.deployment.version})


def _look(desk: Desk, wish: Wish) -> tuple[Measurement, ...]:
    from ml_platform.orchestration.records import read_record  # loads Dagster, which a refusal can do without
    from ml_platform.stages.verify_service import verify_service

    candidate = wish.release.candidate
    model = read_record(desk.platform.home, (desk.model, "model"), ModelRecord, candidate.model_digest)
    if model is None:
        message = f"{desk.model}: the record of model {short(candidate.model_digest)} is gone; run the release job"
        raise Unavailable(message)
    rows = _rows(desk, wish.release)
    with _service(desk, wish) as url:
        return verify_service(url, store=desk.platform.store, model=model, rows=rows)


@contextlib.contextmanager
def _service(desk: Desk, wish: Wish) -> Iterator[str]:
    from ml_platform.stages.ephemeral_service import ephemeral_service

    if wish.url is not None:
        yield wish.url
        return
    with ephemeral_service(desk.platform.home, desk.model, wish.environment, live_only=True) as url:
        yield url


def _rows(desk: Desk, release: ReleaseRecord) -> list[dict[str, object]]:
    """Return holdout rows of the release, spread evenly, as a caller would send them."""
    import numpy as np

    from ml_platform.stages.parquet import read_parquet
    from ml_platform.stages.request_rows import request_rows

    store, candidate = desk.platform.store, release.candidate
    parts = read_parquet(store.open("splits", candidate.split_digest, "parts.parquet"))["part"].astype(str)
    holdout = np.flatnonzero((parts == "holdout").to_numpy())
    places = holdout[np.linspace(0, holdout.size - 1, min(ROWS, holdout.size)).astype(np.int64)]
    frame = read_parquet(store.open("snapshots", candidate.snapshot_digest, "data.parquet"))
    return request_rows(desk.spec, frame.iloc[places])


def _require_same_contract(desk: Desk, wish: Wish) -> None:
    """Refuse to deploy a version of another contract: its own rows could not be sent to it as the file now says."""
    from ml_platform.stages.contract import contract_digest
    from ml_platform.stages.snapshot import stored_snapshot

    candidate = wish.release.candidate
    snapshot = stored_snapshot(desk.platform.store, candidate.snapshot_digest)
    if snapshot.contract_digest != contract_digest(desk.spec):
        message = (
            f"{desk.model}: the contract in {desk.file.path} is another than that of v{wish.release.version}; a "
            f"version is deployed under the contract it was made with; run the job {desk.model}_release"
        )
        raise DataInvalid(message)


def _answer(desk: Desk, wish: Wish) -> str:
    """Say, and in production do, what follows from a closed gate on the running service."""
    if wish.environment != "production":
        return f"v{wish.release.version} stays in {wish.environment}; the lock keeps it out of production"
    from ml_platform.access.decide import Denied
    from ml_platform.access.in_run import automatic_actor
    from ml_platform.stages.rollback import RolledBack, rollback

    platform = desk.platform
    still = f"v{wish.release.version} FAILED ITS CHECK AND IS STILL LIVE"
    try:
        actor = automatic_actor(platform.settings, platform.ledger, desk.model, run_id=desk.run_id, now=desk.now)
    except Denied as error:
        return f"{still}, it may not be taken back by itself: {error}. Roll it back by hand"
    done = rollback(
        platform.ledger, platform.store, desk.model, wish.environment, actor=actor,
        reason=f"v{wish.release.version} failed its check in production (run {desk.run_id})", now=desk.now,
        run_id=desk.run_id, only=wish.release.version,
    )  # fmt: skip
    platform.project()
    if isinstance(done, RolledBack):
        return f"rolled back to v{done.deployment.version}; v{done.barred} is barred for good"
    live = platform.ledger.live(desk.model, wish.environment)
    if live is not None and live.version != wish.release.version:
        return f"v{live.version} is live meanwhile and stays: {'; '.join(done.reasons)}"
    return f"{still}, there is nothing to roll back to: {'; '.join(done.reasons)}"
