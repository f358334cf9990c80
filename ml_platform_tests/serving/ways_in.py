"""Every way by which a service takes rows or remarks: how a row is sent there, and what was said of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_platform_tests.serving.asking import Reply, Server, send
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL

TYPES = {
    "hour": "INT64", "distance": "FP64", "wind": "FP64", "carrier": "BYTES", "origin": "BYTES", "weekend": "FP64",
    "account": "FP64",
}  # fmt: skip
REMARK = {"prediction_id": "83da40b4e2949499d82d773eb92d2be9", "outcome": 1}
Spelled = Mapping[str, str]  # by column the text of a value in JSON


@dataclass(frozen=True, slots=True)
class Way:
    """A path, its content type, how the text of a row becomes a body, and what an answer says of that row."""

    path: str
    body: Callable[[Spelled], str]
    said: Callable[[bytes], Any]
    content_type: str = "application/json"

    def ask(self, server: Server, content: bytes) -> Reply:
        connection = server.connect()
        try:
            return send(connection, "POST", self.path, content, content_type=self.content_type)
        finally:
            connection.close()

    def head(self, length: int) -> bytes:
        lines = [
            f"POST {self.path} HTTP/1.1", "host: x", f"content-type: {self.content_type}", f"content-length: {length}",
        ]  # fmt: skip
        return "\r\n".join([*lines, "", ""]).encode()


def spelled(**changed: str) -> Spelled:
    """Return the good row, some values spelled in JSON's own text."""
    return {name: json.dumps(value) for name, value in GOOD_ROW.items()} | changed


def row_text(row: Spelled) -> str:
    return "{" + ", ".join(f'"{name}": {text}' for name, text in row.items()) + "}"


def _records(row: Spelled) -> str:
    return f'{{"dataframe_records": [{row_text(row)}]}}'


def _tensors(row: Spelled) -> str:
    each = (
        f'{{"name": "{name}", "shape": [1], "datatype": "{TYPES[name]}", "data": [{text}]}}'
        for name, text in row.items()
    )
    return f'{{"inputs": [{", ".join(each)}]}}'


def _first(content: bytes) -> Any:
    said = json.loads(content)
    return said["version"], said["predictions"][0]


def _line(content: bytes) -> Any:
    said = json.loads(content.splitlines()[0])
    return said["version"], said["prediction"]


def _output(content: bytes) -> Any:
    said = json.loads(content)
    return int(said["model_version"]), next(one["data"][0] for one in said["outputs"] if one["name"] == "score")


INVOCATIONS = Way("/invocations", _records, _first)
EXPLAIN = Way("/explain", _records, _first)
BATCH = Way("/batch", row_text, _line, "application/x-ndjson")
INFER = Way(f"/v2/models/{MODEL}/infer", _tensors, _output)
SCORING = (INVOCATIONS, EXPLAIN, BATCH, INFER)
FEEDBACK = Way("/feedback", lambda row: f'{{"feedback": [{row_text(row)}]}}', json.loads)
EVERY = (*SCORING, FEEDBACK)
