"""The baseline of `serving.py`: what one writes in an afternoon with FastAPI, pydantic and LightGBM's own package.

`python benchmarks/bare_service.py FOLDER PORT_FILE` serves a model artefact: no log, no digest check, no version, no
hot swap; fields are typed by pydantic, features come from the same `transform`, scores from `Booster.predict`.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import math
import socket
import sys
from pathlib import Path
from typing import Any

import lightgbm
import msgspec
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import create_model

from ml_platform.core.scoring import FeaturesState, InputColumn, ScoringContract

TYPES: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "category": str, "datetime": dt.datetime}


def build(folder: Path) -> FastAPI:
    """Return the service for an artefact of the platform's."""
    contract = msgspec.json.decode((folder / "scoring.json").read_bytes(), type=ScoringContract)
    learned = msgspec.json.decode((folder / "features_state.json").read_bytes(), type=FeaturesState)
    codes = {name: {level: float(code) for code, level in enumerate(levels)} for name, levels in learned.levels.items()}
    booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
    transform = _transform(folder / "features.py")
    row_type = create_model("Row", **{column.name: _field(column) for column in contract.inputs})
    request_type = create_model("Request", dataframe_records=(list[row_type], ...))  # type: ignore[valid-type]
    app = FastAPI()

    async def invocations(request: Any) -> dict[str, list[float]]:  # noqa: ANN401 - made above, known at run time
        columns = {
            column.name: np.array(
                [_number(codes.get(column.name), row, column.name) for row in request.dataframe_records]
            )
            for column in contract.inputs
        }
        features = transform(columns, learned.state)
        matrix = np.column_stack([features[name] for name in contract.feature_names])
        return {"predictions": np.asarray(booster.predict(matrix, num_threads=1)).tolist()}

    invocations.__annotations__["request"] = request_type
    app.post("/invocations")(invocations)
    return app


def _field(column: InputColumn) -> Any:  # noqa: ANN401 - what create_model takes
    kind = TYPES[column.type]
    return (kind | None, None) if column.missing > 0 else (kind, ...)


def _number(codes: dict[str, float] | None, row: object, name: str) -> float:
    value = getattr(row, name)
    if value is None:
        return math.nan
    if isinstance(value, dt.datetime):
        return value.timestamp()
    return float(value) if codes is None else codes.get(value, math.nan)


def _transform(path: Path) -> Any:  # noqa: ANN401 - the author's function
    spec = importlib.util.spec_from_file_location("bare_features", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.transform


def main() -> None:
    """Serve with the same server and settings as the platform does."""
    folder, port_file = Path(sys.argv[1]), Path(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build(folder), http="httptools", access_log=False, log_config=None, log_level="warning", server_header=False,
        proxy_headers=False, ws="none",
    )  # fmt: skip
    draft = port_file.with_suffix(".draft")
    draft.write_text(str(listener.getsockname()[1]))
    draft.replace(port_file)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
