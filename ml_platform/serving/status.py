"""Status: what the service says of itself: health, version, gauges."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.serving.live import Follower, Live
from ml_platform.serving.metrics import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the service is.

    `status` is `ok`, `degraded` (serving, but something needs a person), `draining` (serving its last requests) or
    `unavailable` (not serving).
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

    @property
    def ready(self) -> bool:
        """True when scoring requests should be sent here."""
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


def nothing_live(follower: Follower) -> str:
    """Say that there is nothing to score with, and what to do."""
    if follower.problem:
        return f"nothing can be served: {follower.problem}"
    return (
        f"nothing is live for {follower.model} in {follower.environment}: release a version and promote "
        f"it (`ml-platform promote {follower.model} --env {follower.environment} --reason …`); it is served at once"
    )


def health(
    follower: Follower,
    traffic: TrafficLog,
    uptime_seconds: float,
    *,
    draining: bool = False,
    others: tuple[str, ...] = (),
) -> Health:
    """Say how the service is; `others` is what other workers of the same service have to say."""
    live = follower.live
    problems = [problem for problem in (follower.problem, traffic.problem, traffic.warning) if problem]
    if live is None and not follower.problem:
        problems.append(nothing_live(follower))
    serving = live is not None and not traffic.problem
    problems += [problem for problem in others if problem not in problems]
    manifest = None if live is None else live.manifest
    return Health(
        status="unavailable" if not serving else "draining" if draining else "degraded" if problems else "ok",
        model=follower.model,
        environment=follower.environment,
        version=None if manifest is None else manifest.version,
        model_digest=None if manifest is None else manifest.model_digest,
        since=None if manifest is None else manifest.since,
        uptime_seconds=uptime_seconds,
        log_lag_seconds=traffic.lag_seconds,
        problems=tuple(problems),
    )


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
    )


def gauges(
    follower: Follower, traffic: TrafficLog, uptime_seconds: float, under_way: int = 0
) -> dict[str, tuple[str, Samples]]:
    """Return what Prometheus sees of the present state."""
    live = follower.live
    info: Samples = []
    if live is not None:
        manifest = live.manifest
        named = {"model": manifest.model, "environment": manifest.environment, "version": str(manifest.version)}
        info = [((*named.items(), ("model_digest", manifest.model_digest)), 1)]
    problem = int(bool(follower.problem or traffic.problem or traffic.warning))
    return {
        "ml_platform_live_info": ("The version that is live.", info),
        "ml_platform_uptime_seconds": ("Since the service started.", [((), uptime_seconds)]),
        "ml_platform_log_lag_seconds": (
            "Age of the oldest prediction not yet on the disk.",
            [((), traffic.lag_seconds)],
        ),
        "ml_platform_requests_under_way": ("Requests being scored, or waiting for the disk.", [((), under_way)]),
        "ml_platform_problem": ("1 when /health names a problem.", [((), problem)]),
    }
