"""MLflow model: a model artefact described so that MLflow can load it, its trees staying the very text they were."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.scoring import CALIBRATION, MODEL_TEXT

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

    from ml_platform.core.ports import TrainingRun

_NEEDED = ("lightgbm", "numpy", "scipy")
_REQUIREMENTS = "requirements.txt"
_PYTHON_ENVIRONMENT = "python_env.yaml"


def describe_model(folder: Path, run: TrainingRun, *, run_id: str, model_id: str) -> None:
    """Write MLflow's description and explicit requirements beside a model's files.

    `mlflow.lightgbm.save_model` would write the trees anew and look through every installed package for the
    requirements, which costs ten times more. A calibrated model can't be loaded as a Python function: MLflow would
    answer with the trees' own scores, which aren't the model's.
    """
    from mlflow.models import Model

    version = importlib.metadata.version("lightgbm")
    pins = (f"{name}=={importlib.metadata.version(name)}\n" for name in _NEEDED)
    (folder / _REQUIREMENTS).write_text("".join(pins), encoding="utf-8")
    (folder / _PYTHON_ENVIRONMENT).write_text(
        f"python: {platform.python_version()}\nbuild_dependencies: [pip]\ndependencies: [-r {_REQUIREMENTS}]\n",
        encoding="utf-8",
    )
    model: Model = Model(run_id=run_id, model_id=model_id, signature=_signature(run), metadata=dict(run.tags))
    model.add_flavor(
        "lightgbm",
        lgb_version=version,
        data=MODEL_TEXT,
        model_class="lightgbm.basic.Booster",
        serialization_format="text",
    )
    if CALIBRATION not in run.artefact:
        model.add_flavor(
            "python_function",
            loader_module="mlflow.lightgbm",
            data=MODEL_TEXT,
            env={"virtualenv": _PYTHON_ENVIRONMENT},
            python_version=platform.python_version(),
        )
    model.save(str(folder / "MLmodel"))


def _signature(run: TrainingRun) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = Schema([ColSpec("double", name) for name in run.example])
    return ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")]))
