"""Served: one of the service's models, with who follows its deployments and where its predictions are logged."""

from __future__ import annotations

from dataclasses import dataclass

from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.serving.live import Follower


@dataclass(frozen=True, slots=True)
class Served:
    """A model that requests can be for."""

    follower: Follower
    traffic: TrafficLog

    @property
    def model(self) -> str:
        """Return its name."""
        return self.follower.model

    @property
    def ready(self) -> bool:
        """True when scoring requests are answered."""
        return self.follower.live is not None and not self.traffic.problem
