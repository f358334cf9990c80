"""The desk: what a stage needs at hand while it runs - the model file, the platform's stores, the time, who acts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from ml_platform.adapters.platform import Platform
from ml_platform.core.records import ReleaseRecord
from ml_platform.orchestration.at_work import Work
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.resolve import Policy
from ml_platform.policy.spec import ModelSpec, Profile


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One run's view of a model. `say` writes a line for people; `work` is None outside of a run."""

    file: GovernedModelFile
    platform: Platform
    now: dt.datetime
    run_id: str
    say: Callable[[str], None] = _silent
    work: Work | None = None

    @property
    def spec(self) -> ModelSpec:
        """Return the model file's content."""
        return self.file.spec

    @property
    def policy(self) -> Policy:
        """Return the policy that this run judges by."""
        return self.file.policy

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self.file.spec.model

    @property
    def actor(self) -> str:
        """Return who acts."""
        return self.platform.settings.actor

    @property
    def profile(self) -> Profile:
        """Return how deeply candidates are examined: as the surroundings say, else as the model file does."""
        return self.platform.settings.evaluation or self.spec.profile

    def champion(self) -> ReleaseRecord | None:
        """Return the version that is live in production, if there is one."""
        live = self.platform.ledger.live(self.model, "production")
        return self.platform.ledger.release(self.model, live.version) if live else None

    def challenged(self, model_digest: str) -> ReleaseRecord | None:
        """Return the champion that a model has to beat; None when it is that model: nothing is compared with itself."""
        champion = self.champion()
        return champion if champion and champion.candidate.model_digest != model_digest else None
