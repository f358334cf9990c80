"""What an asset `<model>/<name>`, a job `<model>_<name>` or a stage needs: the action of who makes or runs it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform.access.actions import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

# By the last part of an asset's key; a stage is named after its first asset. What isn't named here nobody may make.
NEEDED: Mapping[str, Action] = MappingProxyType(
    {
        **dict.fromkeys(("source", "snapshot", "quarantine", "split", "features"), Action.PREPARE_DATA),
        **dict.fromkeys(("model", "tuning", "evaluation", "report", "release", "cost", "faults"), Action.TRAIN),
        **dict.fromkeys(("traffic", "monitoring", "feedback", "health", "dossier"), Action.WATCH),
        "staging": Action.DEPLOY_STAGING,
        "production": Action.DEPLOY_PRODUCTION,
        "rollout": Action.END_ROLLOUT,
        "rollback": Action.ROLL_BACK,
    }
)


def needed(name: str) -> Action:
    """Return the action that an asset, or the job of one op, needs; what is unknown needs what nobody may.

    >>> needed("evaluation"), needed("surprise")
    (<Action.TRAIN: 'train'>, <Action.FALSIFY: 'falsify'>)
    """
    return NEEDED.get(name, Action.FALSIFY)
