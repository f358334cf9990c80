"""Conditions and digests: how the model was trained, and what all of it is named by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.reports.content import Content


def conditions(content: Content) -> dict[str, Mapping[str, object]]:
    """Return two tables: how the model was trained, and the digests of all it depends on."""
    model, evaluation, policy = content.model, content.evaluation, content.policy
    made = model.conditions
    trained: dict[str, object] = {
        "trained by": model.trained_by,
        "trained at": f"{model.trained_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "tracked run": model.run_id,
        "learner": f"{made.learner} {made.learner_version}",
        "rounds": model.rounds,
        "threshold": "none" if model.threshold is None else f"{model.threshold:.4g}",
        **({"threshold rule": model.threshold_rule} if model.threshold_rule else {}),
        "seed": made.seeds or made.seed,
        "threads": made.threads,
        "engine": made.engine,
        "Python": made.python,
        "processor": made.cpu,
        "system": made.system or "not recorded",
        "idle threads": made.waiting or "not recorded",
        "git commit": f"{made.git_commit}{' (with changes)' if made.git_dirty else ''}",
        "evaluation": evaluation.profile,
        **{f"{part} rows": f"{rows:,}" for part, rows in content.rows.items()},
    }
    digests: dict[str, object] = {
        "model": model.digest,
        "trees": model.tree_digest,
        "features": model.features_digest,
        "parameters": model.parameters_digest,
        "code": made.code_digest,
        "environment": made.environment_digest,
        "lock": made.lock or "not recorded",
        "platform": made.platform_digest or "not recorded",
        "split": evaluation.split_digest,
        "evaluation": evaluation.digest,
        "compared with": evaluation.champion_digest or "nothing",
        "policy": ", ".join(sorted({verdict.policy_digest for verdict in content.verdicts})) or "none",
        "packs": ", ".join(policy.packs) if policy else "unknown",
    }
    return {"Training": trained, "Digests": digests}
