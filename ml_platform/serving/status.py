"""Status: what the service says of itself: health, version, gauges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.serving.live import Follower, Live
from ml_platform.serving.metrics import Labels, Samples

COUNTED = ("canary", "fallbacks", "mirrored", "dropped")
LOOKED_AT = ("scored", "flagged", "dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What holds for the whole process, whatever its models; `others` is what else needs a person."""

    uptime_seconds: float
    draining: bool = False
    others: tuple[str, ...] = ()
    under_way: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is tried beside the live version, and how."""

    strategy: str
    version: int
    model_digest: str
    weight: float
    sticky_by: str
    since: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a model is served.

    `status` is `ok`, `degraded` (serving, but something needs a person), `draining` (serving its last requests) or
    `unavailable` (not serving). `notes` say what is worth knowing and is no fault of the service.
    """

    status: str
    model: str
    environment: str
    version: int | None
    model_digest: str | None
    since: dt.datetime | None
    uptime_seconds: float
    log_lag_seconds: float
    problems: tuple[str, ...]
    rollout: Tried | None = None
    notes: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """True when scoring requests had better be sent here."""
        return self.status in {"ok", "degraded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Exactly what is served, by digest."""

    model: str
    environment: str
    version: int
    model_digest: str
    evidence_digest: str
    features_code_digest: str
    since: dt.datetime
    rollout: Tried | None = None


def nothing_live(follower: Follower) -> str:
    """Say that there is nothing to score with, and what to do."""
    if follower.problem:
        return f"nothing can be served: {follower.problem}"
    return (
        f"nothing is live for {follower.model} in {follower.environment}: release a version and promote "
        f"it (`ml-platform promote {follower.model} --env {follower.environment} --reason …`); it is served at once"
    )


def problems_of(follower: Follower, traffic: TrafficLog) -> list[str]:
    """Return what needs a person."""
    every = (follower.problem, follower.rollout.problem, traffic.problem, traffic.warning)
    return [problem for problem in every if problem]


def health(follower: Follower, traffic: TrafficLog, process: Process) -> Health:
    """Say how the service is."""
    live = follower.live
    problems = problems_of(follower, traffic)
    if live is None and not follower.problem:
        problems.append(nothing_live(follower))
    problems += [problem for problem in process.others if problem not in problems]
    serving = live is not None and not traffic.problem
    manifest = None if live is None else live.manifest
    return Health(
        status=_status(serving=serving, draining=process.draining, problems=problems),
        model=follower.model,
        environment=follower.environment,
        version=None if manifest is None else manifest.version,
        model_digest=None if manifest is None else manifest.model_digest,
        since=None if manifest is None else manifest.since,
        uptime_seconds=process.uptime_seconds,
        log_lag_seconds=traffic.lag_seconds,
        problems=tuple(problems),
        rollout=_tried(live),
        notes=notes_of(live),
    )


def notes_of(live: Live | None) -> tuple[str, ...]:
    """Return what is proven of the rows that came."""
    if live is None or live.outliers is None or not live.outliers.proven:
        return ()
    found = live.outliers.tally
    seen = f"{found.flagged:,} of {found.scored:,} rows since it is served here"
    note = (
        f"rows that are unlike the training rows of v{live.manifest.version} are proven to be more than "
        f"{live.outliers.at_most:.2%}, which is usual at most ({seen}): look at the drift of its inputs"
    )
    return (note,)


def _status(*, serving: bool, draining: bool, problems: Sequence[str]) -> str:
    if not serving:
        return "unavailable"
    return "draining" if draining else "degraded" if problems else "ok"


def version(live: Live) -> Version:
    """Say what is served."""
    manifest = live.manifest
    return Version(
        model=manifest.model,
        environment=manifest.environment,
        version=manifest.version,
        model_digest=manifest.model_digest,
        evidence_digest=manifest.evidence_digest,
        features_code_digest=live.predictor.contract.code_digest,
        since=manifest.since,
        rollout=_tried(live),
    )


def _tried(live: Live | None) -> Tried | None:
    if live is None or live.beside is None:
        return None
    rollout = live.beside.rollout
    return Tried(
        strategy=rollout.strategy,
        version=rollout.version,
        model_digest=rollout.model_digest,
        weight=rollout.weight,
        sticky_by=rollout.sticky_by,
        since=rollout.since,
    )


def _outliers(name: Labels, live: Live | None) -> list[tuple[Labels, float]]:
    if live is None or live.outliers is None:
        return []
    named = (*name, ("version", str(live.manifest.version)))
    return [((*named, ("what", what)), getattr(live.outliers.tally, what)) for what in LOOKED_AT]


def gauges(models: Sequence[tuple[Follower, TrafficLog]], process: Process) -> dict[str, tuple[str, Samples]]:
    """Return what Prometheus sees of the present state of the models."""
    info: list[tuple[Labels, float]] = []
    lags: list[tuple[Labels, float]] = []
    problems: list[tuple[Labels, float]] = []
    beside: list[tuple[Labels, float]] = []
    rows: list[tuple[Labels, float]] = []
    outliers: list[tuple[Labels, float]] = []
    for follower, traffic in models:
        name = (("model", follower.model),)
        if follower.live is not None:
            manifest = follower.live.manifest
            named = (("environment", manifest.environment), ("version", str(manifest.version)))
            info.append(((*name, *named, ("model_digest", manifest.model_digest)), 1))
        tried, tally = _tried(follower.live), follower.rollout.tally
        if tried is not None:
            beside.append(((*name, ("strategy", tried.strategy), ("version", str(tried.version))), 1))
        rows += [((*name, ("what", what)), getattr(tally, what)) for what in COUNTED]
        outliers += _outliers(name, follower.live)
        lags.append((name, traffic.lag_seconds))
        problems.append((name, int(bool(problems_of(follower, traffic)))))
    return {
        "ml_platform_live_info": ("The version that is live.", info),
        "ml_platform_uptime_seconds": ("Since the service started.", [((), process.uptime_seconds)]),
        "ml_platform_requests_under_way": ("Requests being scored or waiting for the disk.", [((), process.under_way)]),
        "ml_platform_log_lag_seconds": ("Age of the oldest prediction not yet on the disk.", lags),
        "ml_platform_rollout_info": ("The version that is tried beside it.", beside),
        "ml_platform_rollout_rows": (
            "Rows since the start: answered by a canary, by the live version as the canary failed, mirrored, dropped.",
            rows,
        ),
        "ml_platform_outlier_rows": (
            "Answered rows since the version is served: looked at, unlike the training rows, not looked at for haste.",
            outliers,
        ),
        "ml_platform_problem": ("1 when /health names a problem.", problems),
    }
