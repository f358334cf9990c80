"""The model of `serving.py` as MLflow serves it: the same trees and features, with the contract's types as signature.

`python mlflow_model.py FOLDER TARGET` saves an artefact of the platform's; MLflow then loads this file as its code.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import msgspec
import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from ml_platform.core.scoring import FeaturesState, ScoringContract

if TYPE_CHECKING:
    import pandas as pd


KINDS = {"integer": "long", "number": "double", "boolean": "boolean", "category": "string", "datetime": "datetime"}


class Trees(PythonModel):
    """Makes features from a frame of the contract's columns and scores them; checks nothing."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own
        """Read the artefact."""
        folder = Path(context.artifacts["folder"])
        self.contract = msgspec.json.decode((folder / "scoring.json").read_bytes(), type=ScoringContract)
        self.learned = msgspec.json.decode((folder / "features_state.json").read_bytes(), type=FeaturesState)
        self.booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
        spec = importlib.util.spec_from_file_location("bench_features", folder / "features.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.transform = module.transform

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[float]:  # noqa: ANN401, ARG002
        """Score rows whose types MLflow has checked."""
        columns = {}
        for column in self.contract.inputs:
            values, levels = model_input[column.name], self.learned.levels.get(column.name)
            if levels is not None:
                codes = {level: float(code) for code, level in enumerate(levels)}
                columns[column.name] = values.map(codes).to_numpy(dtype=float)
            else:
                columns[column.name] = values.to_numpy(dtype=float)
        features = self.transform(columns, self.learned.state)
        matrix = np.column_stack([features[name] for name in self.contract.feature_names])
        scores: list[float] = np.asarray(self.booster.predict(matrix, num_threads=1)).tolist()
        return scores


def save(folder: Path, target: Path) -> None:
    """Save an artefact as a model of MLflow's."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    contract = msgspec.json.decode((folder / "scoring.json").read_bytes(), type=ScoringContract)
    columns: list[Any] = [ColSpec(KINDS[column.type], column.name) for column in contract.inputs]
    mlflow.pyfunc.save_model(
        target, python_model=__file__, artifacts={"folder": str(folder)}, pip_requirements=["mlflow"],
        signature=ModelSignature(inputs=Schema(columns)),
    )  # fmt: skip


set_model(Trees())

if __name__ == "__main__":
    save(Path(sys.argv[1]), Path(sys.argv[2]))
