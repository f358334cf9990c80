"""Open inference pages: what the protocol tells of the server and of a model."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from ml_platform.core.scoring import ScoringContract
from ml_platform.serving.live import Live
from ml_platform.serving.tensors import BYTES, datatype_of

ANY_NUMBER = -1


@dataclass(frozen=True, slots=True)
class Output:
    """An output tensor: a value per row, or `width` of them."""

    name: str
    datatype: str
    width: int = 0

    def shape(self, rows: int) -> list[int]:
        """Return its shape for so many rows."""
        return [rows, self.width] if self.width else [rows]


def outputs_of(contract: ScoringContract) -> tuple[Output, ...]:
    """Return a model's outputs, in the order in which they are answered."""
    given = Output("prediction_id", BYTES)
    if not contract.classes:
        return (Output("score", "FP64"), given)
    return (Output("class", BYTES), Output("probabilities", "FP64", len(contract.classes)), given)


def server_metadata() -> dict[str, object]:
    """Say what the server is."""
    return {"name": "ml_platform", "version": version("ml-platform"), "extensions": ["binary_tensor_data"]}


def model_metadata(live: Live) -> dict[str, object]:
    """Say what the live version takes and gives; a time column that isn't an input may be left out."""
    contract = live.predictor.contract
    inputs = [_tensor(column.name, datatype_of(column), [ANY_NUMBER]) for column in contract.inputs]
    if contract.time is not None and contract.time not in {column.name for column in contract.inputs}:
        inputs.append({**_tensor(contract.time, BYTES, [ANY_NUMBER]), "optional": True})
    return {
        "name": contract.model,
        "versions": [str(live.manifest.version)],
        "platform": "lightgbm",
        "inputs": inputs,
        "outputs": [_tensor(one.name, one.datatype, one.shape(ANY_NUMBER)) for one in outputs_of(contract)],
    }


def _tensor(name: str, datatype: str, shape: list[int]) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape}
