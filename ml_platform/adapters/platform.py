"""The platform's stores, opened together from the settings."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import Projected, project
from ml_platform.adapters.journals import FileJournals
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.memory import FileMemory
from ml_platform.adapters.mlflow_registry import MlflowRegistry
from ml_platform.adapters.mlflow_tracking import MlflowTracker
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.adapters.spent_log import SpentLog
from ml_platform.adapters.vault import FileVault
from ml_platform.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything a stage may need from the outside; a context manager that closes the ledger at its end."""

    settings: Settings
    home: Path
    keys: FileKeys
    signing: FileSigningKeys
    store: FileArtefacts
    vault: FileVault
    memory: FileMemory
    spent: SpentLog
    journals: FileJournals
    ledger: SqliteLedger
    tracker: MlflowTracker
    registry: MlflowRegistry

    def project(self) -> Projected:
        """Show every pending deployment as a manifest and a tracker alias; what fails stays pending."""
        return project(self.home, store=self.store, ledger=self.ledger, tracker=self.tracker)

    def close(self) -> None:
        """Close the ledger's connections; later use opens them again."""
        self.ledger.close()

    def __enter__(self) -> Self:
        """Return the platform itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the ledger."""
        self.close()


def open_platform(settings: Settings) -> Platform:
    """Open the stores under `settings.home`; nothing is read or written before it is used."""
    home = settings.home
    keys, signing = FileKeys(home), FileSigningKeys(home)
    checkpoints = Checkpoints(target_of(home, settings.checkpoints), signing)
    return Platform(
        settings=settings,
        home=home,
        keys=keys,
        signing=signing,
        store=FileArtefacts(home, keys),
        vault=FileVault(home, keys),
        memory=FileMemory(home),
        spent=SpentLog(home),
        journals=FileJournals(home),
        ledger=SqliteLedger(home / "ledger.sqlite", clock=_utc_now, checkpoints=checkpoints),
        tracker=MlflowTracker(settings.mlflow_uri, home / "mlflow" / "artifacts"),
        registry=MlflowRegistry(settings.mlflow_uri),
    )


def _utc_now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)
