"""Rolling back: the last good version goes live again and the bad one is barred for good."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.hold import Hold
from ml_platform.core.ports import ArtefactStore, Ledger
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.stages.hold import holding
from ml_platform.stages.objection import Objection, Refused, refused
from ml_platform.stages.versions import ENVIRONMENTS, artefact_objections, check_environment, registered


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What is live again, the version that was barred, where else that one is still live, problems of the history."""

    deployment: DeploymentRecord
    barred: int
    still_live_in: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def rollback(
    ledger: Ledger,
    store: ArtefactStore,
    model: str,
    environment: str,
    *,
    actor: str,
    reason: str,
    now: dt.datetime,
    run_id: str = "",
    only: int | None = None,
) -> RolledBack | Refused:
    """Return to the last version that was live here, isn't barred or rejected and is intact; refuse without one.

    No evidence is examined: a version that served before is safer than one known to be bad. For the same reason a
    broken audit chain doesn't stop it, but is told in `problems`, and a deployment under way is taken over. With
    `only` it takes back that version, and refuses when another is live. Show the change to the outside with
    `adapters.deployments.project` afterwards. Raises DataInvalid without a reason.
    """
    check_environment(environment)
    if not reason.strip():
        raise DataInvalid(f"{model}@{environment}: a rollback bars a version for good, so it needs a reason. Give one.")
    with holding(ledger, (model, environment), "rollback", actor=actor, now=now, run_id=run_id) as hold:
        if isinstance(hold, Objection):  # pragma: no cover - a rollback always takes over
            raise TypeError(hold)
        done = _roll_back(ledger, store, hold, reason=reason, now=now, only=only)
    if isinstance(done, Refused):
        subject, payload = f"{model}@{environment}", {"reasons": list(done.reasons), "reason": reason}
        ledger.append("rollback_refused", actor=actor, subject=subject, payload=payload, at=now)
    return done


def _roll_back(
    ledger: Ledger, store: ArtefactStore, hold: Hold, *, reason: str, now: dt.datetime, only: int | None
) -> RolledBack | Refused:
    model, environment = hold.model, hold.environment
    live = ledger.live(model, environment)
    if live is None:
        return refused([Objection(f"{model}@{environment}: nothing is live")])
    if only is not None and live.version != only:
        return refused([Objection(f"{model}@{environment}: v{live.version} is live, and v{only} was to be taken back")])
    objections: list[Objection] = []
    for release in _earlier(ledger, live):
        found = _rejected(ledger, release, environment) or artefact_objections(store, release)
        if found:
            objections += found
            continue
        try:
            deployment = ledger.deploy(
                release, environment, actor=hold.owner.actor, reason=reason, approvals=(), bar=live.version,
                hold=hold, at=now,
            )  # fmt: skip
        except DataInvalid as error:  # something else went live, was barred, or took over, since we looked
            return refused([*objections, Objection(str(error))])
        return RolledBack(
            deployment=deployment,
            barred=live.version,
            still_live_in=_still_live_in(ledger, model, live.version),
            problems=_problems(ledger),
        )
    none = Objection(f"{model}@{environment}: no earlier version is good to return to from v{live.version}")
    return refused([none, *objections])


def _earlier(ledger: Ledger, live: DeploymentRecord) -> Iterator[ReleaseRecord]:
    """Yield the versions that were live before, newest first, each once, without the barred ones."""
    barred = ledger.barred(live.model)
    before = dict.fromkeys(each.version for each in reversed(ledger.history(live.model, live.environment)))
    for version in before:
        if version != live.version and version not in barred:
            yield registered(ledger, live.model, version)


def _rejected(ledger: Ledger, release: ReleaseRecord, environment: str) -> list[Objection]:
    named = f"{release.model} v{release.version} was rejected for {environment}"
    return [
        Objection(f"{named} by {each.rejected_by}: {each.reason}")
        for each in ledger.rejections(release.model, release.version, environment)
        if each.withdrawal is None
    ]


def _problems(ledger: Ledger) -> tuple[str, ...]:
    try:
        return tuple(ledger.problems())
    except (DataInvalid, Unavailable) as error:  # the rollback is done and stays done
        return (str(error),)


def _still_live_in(ledger: Ledger, model: str, version: int) -> tuple[str, ...]:
    everywhere = {environment: ledger.live(model, environment) for environment in ENVIRONMENTS}
    return tuple(environment for environment, found in everywhere.items() if found and found.version == version)
