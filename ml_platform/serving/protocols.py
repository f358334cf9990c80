"""Protocols: which one a request for scores speaks, by its path and what it says of its body."""

from __future__ import annotations

from ml_platform.serving.body import Scope
from ml_platform.serving.explain import Explaining
from ml_platform.serving.open_inference import HEADER_LENGTH, OpenInference
from ml_platform.serving.protocol import ScoringProtocol, mlflow_protocol
from ml_platform.serving.routes import EXPLAIN, Route


def protocol_of(route: Route, scope: Scope) -> ScoringProtocol:
    """Return the protocol of a request to one of the paths that give scores."""
    if route.open_inference:
        length = next((value for name, value in scope["headers"] if name == HEADER_LENGTH), None)
        return OpenInference(length, route.version)
    spoken = mlflow_protocol(scope)
    return Explaining(spoken, scope.get("query_string", b"")) if route.page == EXPLAIN else spoken
