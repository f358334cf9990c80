"""What may be asked of MLflow: reads that are listed, and nothing else. Who writes there is the platform itself.

A route that a new MLflow version brings is denied until it is listed. Contents of artefacts aren't listed: MLflow would
serve them from this origin, a page among them too, and of a model they hold nothing but a pointer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

PREFIX = "/mlflow"
GRAPHQL = f"{PREFIX}/graphql"
_API = r"/(?:ajax-)?api/[23]\.0/mlflow"
_ID = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_READS = (
    "artifacts/list", "experiments/get", "experiments/get-by-name", "experiments/search", f"logged-models/{_ID}",
    f"logged-models/{_ID}/artifacts/directories", "metrics/get-history", "metrics/get-history-bulk",
    "metrics/get-history-bulk-interval", "model-versions/get", "model-versions/search", "registered-models/alias",
    "registered-models/get", "registered-models/get-latest-versions", "registered-models/search", "runs/get",
    "server-info", "ui-telemetry",
)  # fmt: skip
# They only read, but say in a body what is looked for.
_SEARCHES = (
    "experiments/search", "experiments/search-datasets", "logged-models/search",
    "registered-models/get-latest-versions", "runs/search",
)  # fmt: skip
_STATIC = r"/static-files/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*[A-Za-z0-9_~-][A-Za-z0-9._~-]*"


def _any(paths: tuple[str, ...]) -> str:
    return f"{_API}/(?:{'|'.join(paths)})"


_ALLOWED: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "GET": re.compile(f"/?|/version|/health|{_STATIC}|{_any(_READS)}"),
        "POST": re.compile(_any(_SEARCHES)),
    }
)
# What MLflow's pages ask for by themselves, several times a page: refused as all that isn't listed, but no attempt of
# anybody's, and it would crowd real ones out of the audit.
_BACKGROUND = re.compile(
    r"GET /mlflow/ajax-api/2\.0/mlflow/users/current"
    r"|GET /mlflow/ajax-api/3\.0/mlflow/assistant/(?:config|providers)"
    r"|POST /mlflow/ajax-api/3\.0/mlflow/traces/(?:metrics|search)"
)
_LONGEST_QUERY = 20_000


def is_mlflows(path: str) -> bool:
    """Say whether a path is MLflow's to answer."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def is_read(method: str, path: str) -> bool:
    """Say whether a request only reads; `path` is decoded, and anything that could be read in two ways isn't one.

    >>> is_read("GET", "/mlflow/api/2.0/mlflow/runs/get"), is_read("POST", "/mlflow/api/2.0/mlflow/runs/set-tag")
    (True, False)
    >>> is_read("DELETE", "/mlflow/ajax-api/2.0/mlflow/registered-models/alias")
    False
    """
    allowed = _ALLOWED.get(method)
    return allowed is not None and allowed.fullmatch(path.removeprefix(PREFIX)) is not None


def is_background(method: str, path: str) -> bool:
    """Say whether it is something that MLflow's pages ask for by themselves, and which isn't answered here."""
    return _BACKGROUND.fullmatch(f"{method} {path}") is not None


def is_graphql_read(body: bytes) -> bool:
    """Say whether a body is one JSON object whose GraphQL holds queries and fragments only."""
    from graphql import GraphQLError, OperationDefinitionNode, parse

    try:
        asked = json.loads(body)
        text = asked["query"]
        if len(text) > _LONGEST_QUERY:
            return False
        found = parse(text, max_tokens=5_000).definitions
    except (ValueError, TypeError, KeyError, RecursionError, GraphQLError):
        return False
    operations = [one for one in found if isinstance(one, OperationDefinitionNode)]
    fragments = [one for one in found if one.kind == "fragment_definition"]
    only_reads = all(one.operation.value == "query" for one in operations)
    return bool(operations) and only_reads and len(operations) + len(fragments) == len(found)
