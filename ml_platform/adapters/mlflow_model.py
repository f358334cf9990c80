"""MLflow model: what MLflow is told of a model: signature, requirements and where it lies; never its trees.

MLflow keeps its artefacts as plain files. A model is sealed, so MLflow gets a pointer to it.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

    from ml_platform.core.ports import TrainingRun

POINTER = "model.json"
_NEEDED = ("lightgbm", "numpy", "scipy")
_REQUIREMENTS = "requirements.txt"
_PYTHON_ENVIRONMENT = "python_env.yaml"


def describe_model(folder: Path, run: TrainingRun, *, run_id: str, model_id: str) -> None:
    """Write MLflow's description, explicit requirements and a pointer to the sealed model into a folder.

    `mlflow.lightgbm.save_model` would write the trees down and look through every installed package for the
    requirements, which costs ten times more.
    """
    from mlflow.models import Model

    pins = (f"{name}=={importlib.metadata.version(name)}\n" for name in _NEEDED)
    (folder / _REQUIREMENTS).write_text("".join(pins), encoding="utf-8")
    (folder / _PYTHON_ENVIRONMENT).write_text(
        f"python: {platform.python_version()}\nbuild_dependencies: [pip]\ndependencies: [-r {_REQUIREMENTS}]\n",
        encoding="utf-8",
    )
    (folder / POINTER).write_text(json.dumps(_pointer(run), indent=1) + "\n", encoding="utf-8")
    model: Model = Model(run_id=run_id, model_id=model_id, signature=_signature(run), metadata=dict(run.tags))
    model.add_flavor("ml_platform", data=POINTER, lightgbm_version=importlib.metadata.version("lightgbm"))
    model.save(str(folder / "MLmodel"))


def _pointer(run: TrainingRun) -> dict[str, object]:
    """Return where the model lies and how it is had; names and digests only."""
    digest = run.tags.get("model_digest", "")
    return {
        "schema_version": 1,
        "model": run.model,
        "model_digest": digest,
        "tree_digest": run.tags.get("tree_digest", ""),
        "lies_in": f"models/{digest} of the platform's home, encrypted",
        "files": list(run.files),
        "read_it": f"open_platform(load_settings()).store.read('models', '{digest}', 'model.txt')",
        "score_with_it": f"ml-platform serve {run.model} --env production",
    }


def _signature(run: TrainingRun) -> ModelSignature:
    """Return what the trees take and give: one number a row, or one probability per class."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs = Schema([ColSpec("double", name) for name in run.example])
    if not run.classes:
        return ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")]))
    return ModelSignature(inputs=inputs, outputs=Schema([TensorSpec(np.dtype("float64"), (-1, len(run.classes)))]))
