"""The model of `serving.py` as MLflow serves it: the same trees and features, behind `mlflow models serve`.

MLflow loads this file as a model from code; the artefact's folder is handed over by the parameter of its context.
"""

from __future__ import annotations

import importlib.util
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
        """Score rows."""
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


set_model(Trees())
