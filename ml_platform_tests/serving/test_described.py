"""A service of several workers that try a canary keeps what its OpenAPI says, whatever is made up (schemathesis)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ml_platform_tests.serving.asking import Server, serving
from ml_platform_tests.serving.small_model import begin_rollout, make_live, put_model

KEPT = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    allow_header_conformance,
]  # fmt: skip
PATHS = ["/invocations", "/explain", "/batch", "/feedback", "/v2/models/toy/infer"]
# What schemathesis makes of a document is large and slow to draw, and its size is no fault.
EVERY = list(hypothesis.HealthCheck)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    make_live(home, put_model(home))
    begin_rollout(home, put_model(home, seed=2), weight=0.5)
    with serving(home, "--workers", "2") as running:
        yield running
        code, said = running.end()
    assert (code, "Traceback" in said) == (0, False), said


@pytest.fixture(scope="module")
def described(server: Server) -> Any:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", PATHS)
def test_what_is_made_up_from_the_description_is_answered_as_described(
    described: Any, path: str, mode: GenerationMode
) -> None:
    @hypothesis.settings(max_examples=6, database=None, deadline=None, suppress_health_check=EVERY)
    @hypothesis.given(case=described[path]["POST"].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=KEPT, timeout=30)

    ask()
