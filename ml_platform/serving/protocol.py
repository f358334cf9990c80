"""Protocol: how a body becomes rows, and how scores and refusals are told; MLflow's as JSON and as CSV."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ml_platform.serving.answer import Answered
from ml_platform.serving.body import JSON, Scope
from ml_platform.serving.contract_check import Checked
from ml_platform.serving.csv_rows import CSV, csv_rows
from ml_platform.serving.live import Live
from ml_platform.serving.refusal import Refused
from ml_platform.serving.reply import Reply, refusal_headers
from ml_platform.serving.request import Rows

encode = msgspec.json.Encoder().encode


class ScoringProtocol(Protocol):
    """One way to ask for scores; `kinds` are the content types it takes. It belongs to one request, or has no state.

    `cost` is what a byte of a body costs, of `/invocations` 1. Who `names_version` is answered by the live version.
    """

    kinds: tuple[bytes, ...]
    cost: int

    @property
    def names_version(self) -> bool:
        """Say whether the request asks for one version."""

    def read(self, live: Live, body: bytes) -> tuple[Rows, Checked]:
        """Return a body's rows, checked against the contract; raises Refused with every problem."""

    def told(self, live: Live, answered: Answered) -> Reply:
        """Return the answer."""

    def refused(self, refused: Refused) -> Reply:
        """Return a refusal."""


class MlflowJson:
    """MLflow's scoring protocol, in JSON."""

    kinds: tuple[bytes, ...] = (JSON, CSV)
    cost = 1
    names_version = False

    def read(self, live: Live, body: bytes) -> tuple[Rows, Checked]:
        """Return a body's rows, checked against the contract; raises Refused with every problem."""
        return live.read(body)

    def told(self, live: Live, answered: Answered) -> Reply:  # noqa: ARG002 - what a protocol is given
        """Return the answer."""
        return Reply(200, encode(answered.answer))

    def refused(self, refused: Refused) -> Reply:
        """Return a refusal."""
        return Reply(refused.status, encode(refused.body), headers=refusal_headers(refused))


class MlflowCsv(MlflowJson):
    """MLflow's scoring protocol, rows as CSV and the answer in JSON."""

    def read(self, live: Live, body: bytes) -> tuple[Rows, Checked]:
        """Return a body's rows, checked against the contract; raises Refused with every problem."""
        rows = csv_rows(body, live.predictor.contract, live.predictor.levels)
        return rows, live.contract_check.check(rows)


MLFLOW, MLFLOW_CSV = MlflowJson(), MlflowCsv()


def mlflow_protocol(scope: Scope) -> ScoringProtocol:
    """Return the form of MLflow's protocol that a request says it has."""
    for name, value in scope["headers"]:
        if name == b"content-type" and value[: len(CSV)].lower() == CSV:
            return MLFLOW_CSV
    return MLFLOW
