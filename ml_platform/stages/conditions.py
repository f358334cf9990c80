"""Conditions: seeds, threads, versions, code and machine of a training; an empty one refuses to train."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import Conditions
from ml_platform.learners.engine import engine_of
from ml_platform.learners.lightgbm_native import library
from ml_platform.settings import waiting_policy
from ml_platform.stages.environment import read_cpu
from ml_platform.stages.kept_environment import lock_of
from ml_platform.stages.platform_code import platform_digest

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.environment import Environment

GIT_SECONDS = 20.0

_NEXT_STEP = {
    "learner_version": "install the learner's package",
    "environment_digest": "install the platform as a package (`make run` does), so that what is installed can be named",
    "code_digest": "build the features again",
    "git_commit": "put the features module under git and commit it, in a repository that this user owns",
    "cpu": "train on a machine that names its processor",
    "lock": "install the platform as a package, best from a lock file (`uv.lock`)",
    "waiting": "say how idle threads wait before LightGBM is imported: OMP_WAIT_POLICY=passive",
}
# LightGBM draws these from `seed`, always in the same way, unless the parameters state them.
_SUB_SEEDS = (
    "bagging_seed", "data_random_seed", "drop_seed", "extra_seed", "feature_fraction_seed", "objective_seed",
)  # fmt: skip


def declare_conditions(
    spec: ModelSpec,
    features_code_digest: str,
    *,
    environment: Environment,
    source: Path,
    root: Path,
    commit: str = "",
) -> Conditions:
    """Write down the conditions of a training; what can't be known is an empty string.

    `source` is the features module's file, `root` the folder the run was started in. The commit is that of the
    repository that tracks the source; for a source that none tracks (an installed package) that of `root`. Code that
    comes from a record, outside of any repository, is of the `commit` that the record names.
    """
    repository = None if commit else _repository(source, root)
    dirty = not commit and (repository is None or _git(repository, "status", "--porcelain") != "")
    library()  # says to OpenMP how to wait, unless the environment does
    return Conditions(
        seed=spec.learner.seed,
        threads=spec.learner.threads,
        learner=spec.learner.kind,
        learner_version=_version(spec.learner.kind),
        environment_digest=environment.digest,
        code_digest=features_code_digest,
        git_commit=commit or (repository and _git(repository, "rev-parse", "HEAD")) or "",
        git_dirty=dirty,
        cpu=read_cpu(),
        python=environment.python,
        seeds=_seeds(spec),
        lock=lock_of(environment),
        platform_digest=platform_digest(),
        waiting=waiting_policy(),
        system=platform.platform(),
        engine=engine_of(spec.compute),
    )


def missing_conditions(conditions: Conditions) -> tuple[str, ...]:
    """Return the names of the conditions that are empty."""
    said = {field.name: getattr(conditions, field.name) for field in dataclasses.fields(conditions)}
    return tuple(name for name, value in said.items() if value == "")


def require_conditions(spec: ModelSpec, conditions: Conditions) -> None:
    """Raise DataInvalid naming every empty condition and what to do about it."""
    missing = missing_conditions(conditions)
    if missing:
        steps = "; ".join(f"{name}: {_NEXT_STEP.get(name, 'declare it')}" for name in missing)
        message = (
            f"{spec.model}: training isn't started, {', '.join(missing)} unknown; a model is trained only under "
            f"conditions that somebody else can set up again; {steps}"
        )
        raise DataInvalid(message)


def _seeds(spec: ModelSpec) -> str:
    """Say what the learner's random choices follow from."""
    stated = {name: spec.learner.parameters[name] for name in _SUB_SEEDS if name in spec.learner.parameters}
    derived = ", ".join(name for name in _SUB_SEEDS if name not in stated)
    said = "".join(f"{name} {value}, " for name, value in stated.items())
    return f"seed {spec.learner.seed}; {said}{derived} derived from it by the learner"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _repository(source: Path, root: Path) -> Path | None:
    if _git(source.parent, "ls-files", source.name):
        return source.parent
    return root if _git(root, "rev-parse", "--verify", "HEAD") else None


def _git(folder: Path, *words: str) -> str | None:
    """Return what git says; None when it fails, isn't installed or there is no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607  (the user's own git)
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
