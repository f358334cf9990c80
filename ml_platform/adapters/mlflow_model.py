"""MLflow model: what MLflow is told of a model: signature, requirements and where it lies; never its trees.

MLflow keeps its artefacts as plain files. A model is sealed, so MLflow gets a pointer to it.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import platform
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
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
    pins = (f"{name}=={importlib.metadata.version(name)}\n" for name in _NEEDED)
    (folder / _REQUIREMENTS).write_text("".join(pins), encoding="utf-8")
    (folder / _PYTHON_ENVIRONMENT).write_text(
        f"python: {platform.python_version()}\nbuild_dependencies: [pip]\ndependencies: [-r {_REQUIREMENTS}]\n",
        encoding="utf-8",
    )
    (folder / POINTER).write_text(json.dumps(_pointer(run), indent=1) + "\n", encoding="utf-8")
    (folder / "MLmodel").write_text(
        yaml.safe_dump(_described(run, run_id=run_id, model_id=model_id), allow_unicode=True), encoding="utf-8"
    )


def _described(run: TrainingRun, *, run_id: str, model_id: str) -> dict[str, object]:
    """Return what MLflow's `Model.to_dict` would; importing it costs more than the rest of a run's tracking."""
    flavor = {"data": POINTER, "lightgbm_version": importlib.metadata.version("lightgbm")}
    return {
        "flavors": {"ml_platform": flavor},
        "is_signature_from_type_hint": False,
        "metadata": dict(run.tags),
        "mlflow_version": importlib.metadata.version("mlflow"),
        "model_id": model_id,
        "model_uuid": uuid.uuid4().hex,
        "prompts": None,
        "run_id": run_id,
        "signature": _signature(run),
        "type_hint_from_example": False,
        "utc_time_created": dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(" "),
    }


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


def _signature(run: TrainingRun) -> dict[str, str | None]:
    """Return what the trees take and give: one number a row, or one probability per class."""
    inputs = [{"type": "double", "name": name, "required": True} for name in run.example]
    one: dict[str, object] = {"type": "double", "required": True}
    each = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, len(run.classes)]}}
    return {"inputs": json.dumps(inputs), "outputs": json.dumps([each if run.classes else one]), "params": None}
